package viewflip_test

import (
	"bytes"
	"strings"
	"testing"

	"viewflip.app/service/srp"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

func must[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// accountExamples are those of the chapter about accounts, as the code makes
// them of fixed bytes. What is sealed with a random nonce is opened instead,
// and taken out of got.
func accountExamples(t *testing.T, got map[string][]byte) map[string][]byte {
	t.Helper()
	full := func(b byte) *bytes.Reader { return bytes.NewReader(bytes.Repeat([]byte{b}, 32)) }
	pass := must[account.PassKey](t)(account.NewPassKey(full(1)))
	key := account.KeyFromSeed(filled[[32]byte](2))
	identity := must[*wire.Identity](t)(pass.Identity())
	id, public := pass.DeviceID(), key.Public()
	fingerprint := public.Fingerprint()
	pin := filled[[32]byte](0x44)
	link := wire.ContactLink{
		Service: wire.Service{Addrs: []string{"192.0.2.1:7465"}, Pin: pin},
		Invite:  wire.InviteID(filled[[16]byte](0x11)), Account: fingerprint, Secret: wire.NewSecret(filled[[32]byte](0x33)),
	}

	salt := account.Salt(filled[[16]byte](0x11))
	client := must[*srp.Client](t)(srp.NewClient(id[:], pass.Password(), full(3)))
	verifier := srp.Verifier(id[:], pass.Password(), salt)
	server := must[*srp.Server](t)(srp.NewServer(id[:], salt, verifier, client.A(), full(4)))
	m1 := must[[32]byte](t)(client.Answer(salt, server.B()))
	m2, k, err := server.Check(m1)
	if err != nil {
		t.Fatal(err)
	}
	a, b, shared := client.A(), server.B(), k.Reveal()
	transcript := account.LoginTranscript(id, salt, a, b, m1, pin)
	chain := account.NewChain(shared, transcript)
	session := account.ID(filled[[16]byte](0x55))
	side := account.NewSession(session, chain)
	request := side.Authorize("POST", account.PathMe, []byte("{}"))
	rotation, _, err := side.BeginRotation(bytes.NewReader(bytes.Repeat([]byte{0x66}, 16)))
	if err != nil {
		t.Fatal(err)
	}
	side.Rotated(filled32(0x77))
	next := side.Authorize("POST", account.PathMe, []byte("{}"))

	first := must[account.DeviceList](t)(key.NewDeviceList(account.DeviceList{}, []account.ListedDevice{{ID: id, Device: identity.Public(), Added: 20000}}))
	proof := account.ContactProof(link.Secret, fingerprint, account.KeyFromSeed(filled[[32]byte](5)).Public())
	kit := must[account.Kit](t)(account.NewKit(full(6)))
	kitID := kit.CredentialID()
	code := must[account.LinkCode](t)(account.ParseLinkCode("0042 1234 5678"))
	words := account.Phrase(account.PhraseSide{Account: public, Device: wire.Address(filled[[32]byte](8))},
		account.PhraseSide{Account: account.KeyFromSeed(filled[[32]byte](5)).Public(), Device: wire.Address(filled[[32]byte](7))}, filled32(9), filled32(10))
	commitment := account.PhraseCommitment(filled32(9))
	body := must[[]byte](t)(account.Encode(account.Rotate{RID: account.ID(filled[[16]byte](0x66))}))

	if plain, err := key.OpenVault(1, got["account-vault"]); err != nil || string(plain) != "{}" {
		fresh, _ := key.SealVault(1, []byte("{}"))
		t.Errorf("example \"account-vault\" opens as %q, %v; a good one is %x", plain, err, fresh)
	}
	var sealed account.SealedKey
	copy(sealed[:], got["kit-sealed"])
	if back, err := kit.Open(sealed); err != nil || back.Seed() != key.Seed() {
		t.Errorf("example \"kit-sealed\": %v; a good one is %x", err, kit.Seal(key))
	}
	channel := account.NewLinkChannel(filled[[32]byte](11), pin)
	if g, err := channel.OpenGrant(got["link-grant"]); err != nil || g.Key.Seed() != key.Seed() || g.VaultVersion != 1 || g.DevicesVersion != 2 {
		t.Errorf("example \"link-grant\": %v; a good one is %x", err, channel.SealGrant(account.LinkGrant{Key: key, VaultVersion: 1, DevicesVersion: 2}))
	}
	for _, name := range []string{"account-vault", "kit-sealed", "link-grant"} {
		delete(got, name)
	}
	return map[string][]byte{
		"device-id": id[:], "srp-password": pass.Password(), "account-device": identity.Public().Append(nil),
		"account-key": public[:], "account-fingerprint": fingerprint[:],
		"srp-v": verifier[:], "srp-a": a[:], "srp-b": b[:], "srp-k": shared[:], "srp-m1": m1[:], "srp-m2": m2[:],
		"login-transcript": transcript[:], "session-chain": chain.Marshal(),
		"authorization": []byte(request.String()), "rotation": []byte(rotation.String()), "rotate-body": body, "authorization-next": []byte(next.String()),
		"device-list": first.Bytes(), "contact-link": []byte(link.String()), "contact-proof": proof[:],
		"phrase": []byte(strings.Join(words[:], " ")), "phrase-commitment": commitment[:],
		"kit": []byte(kit.Code()), "kit-id": kitID[:], "kit-password": kit.Password(),
		"link-id": code.SRPID(), "link-password": code.Password(),
		"link-proof": account.LinkProof{M1: filled32(12)}.Blob(), "words": []byte(strings.Join(strings.Fields(account.Words()), " ")),
	}
}

func filled32(b byte) account.Hash { return account.Hash(filled[[32]byte](b)) }
