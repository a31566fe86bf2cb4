package account_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"viewflip.app/service/srp"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

func code(t *testing.T, s string) account.LinkCode {
	t.Helper()
	c, err := account.ParseLinkCode(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The whole linking, by the bytes that go through the slot: the new device
// shows a code, something is typed on the old one.
func TestLinking(t *testing.T) {
	salt := account.Salt{7}
	for typed, fits := range map[string]bool{"0042 1234 5678": true, "004212345678": true, "0042 1234 5679": false} {
		shown := code(t, "0042 1234 5678")
		entered := code(t, typed)

		client, err := srp.NewClient(shown.SRPID(), shown.Password(), nil)
		if err != nil {
			t.Fatal(err)
		}
		hello, err := account.ParseLinkHello(account.LinkHello{A: client.A()}.Blob())
		if err != nil {
			t.Fatal(err)
		}
		server, err := srp.NewServer(entered.SRPID(), salt, srp.Verifier(entered.SRPID(), entered.Password(), salt), hello.A, nil)
		if err != nil {
			t.Fatal(err)
		}
		offer, err := account.ParseLinkOffer(account.LinkOffer{Salt: server.Salt(), B: server.B()}.Blob())
		if err != nil {
			t.Fatal(err)
		}
		m1, err := client.Answer(offer.Salt, offer.B)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := account.ParseLinkProof(account.LinkProof{M1: m1}.Blob())
		if err != nil {
			t.Fatal(err)
		}
		m2, old, err := server.Check(proof.M1)
		if !fits {
			if !errors.Is(err, srp.ErrProof) {
				t.Errorf("%q: %v", typed, err)
			}
			if _, err := account.ParseLinkConfirm(account.LinkRefused()); !errors.Is(err, account.ErrLinkRefused) {
				t.Error(err)
			}
			continue
		}
		confirm, perr := account.ParseLinkConfirm(account.LinkConfirm{M2: m2}.Blob())
		if err != nil || perr != nil {
			t.Fatal(typed, err, perr)
		}
		k, err := client.Check(confirm.M2)
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, account.NewLinkChannel(k.Reveal(), [32]byte{1}), account.NewLinkChannel(old.Reveal(), [32]byte{1}), account.NewLinkChannel(old.Reveal(), [32]byte{2}))
	}
}

func exchange(t *testing.T, fresh, old, elsewhere account.LinkChannel) {
	t.Helper()
	id, err := wire.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	request := account.LinkRequest{
		NewDevice: account.NewDevice{Credential: account.Credential{ID: account.ID{1}, Salt: account.Salt{2}, Verifier: account.Number{3}}, Label: "Laptop"},
		Keys:      account.KeysOf(id.Public()), Platform: "Linux",
	}
	b, err := fresh.SealRequest(request)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := old.OpenRequest(b); err != nil || !reflect.DeepEqual(r, request) || r.Keys.Device() != id.Public() {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := elsewhere.OpenRequest(b); !errors.Is(err, wire.ErrMalformed) {
		t.Error("through another service:", err)
	}
	if _, err := fresh.OpenGrant(b); !errors.Is(err, wire.ErrMalformed) {
		t.Error("a request as grant:", err)
	}
	grant := account.LinkGrant{Key: account.KeyFromSeed([32]byte{5}), VaultVersion: 6, DevicesVersion: 7}
	g := old.SealGrant(grant)
	if back, err := fresh.OpenGrant(g); err != nil || !reflect.DeepEqual(back, grant) {
		t.Error(err)
	}
	seed := grant.Key.Seed()
	if bytes.Contains(g, seed[:]) {
		t.Error("the account key is in clear")
	}
	for i := range g {
		bad := bytes.Clone(g)
		bad[i] ^= 0x80
		if _, err := fresh.OpenGrant(bad); err == nil {
			t.Fatalf("byte %d may be altered", i)
		}
	}
	if _, err := fresh.OpenGrant(account.LinkRefused()); !errors.Is(err, account.ErrLinkRefused) {
		t.Error(err)
	}
}

func TestLinkCode(t *testing.T) {
	slot, err := account.NewSlot(nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := account.NewLinkCode(slot, nil)
	if err != nil {
		t.Fatal(err)
	}
	back := code(t, made.Text())
	if back.Slot() != slot || !bytes.Equal(back.Password(), made.Password()) || len(made.Text()) != 14 || strings.Count(made.Text(), " ") != 2 {
		t.Error("another code")
	}
	if zero, err := account.NewLinkCode("0000", bytes.NewReader(make([]byte, 64))); err != nil || zero.Text() != "0000 0000 0000" {
		t.Error("leading zeros are lost:", err)
	}
	for _, bad := range []string{"", "0042 1234 567", "0042 1234 56789", "0042 1234 567x", "+042 1234 5678", strings.Repeat(" ", 65)} {
		if _, err := account.ParseLinkCode(bad); !errors.Is(err, account.ErrLinkCode) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "042", "00421", "0 42", "004x"} {
		if _, err := account.ParseSlot(bad); err == nil {
			t.Errorf("%q is a slot", bad)
		}
	}
}

// A whole login over the shared types, with the device's signature and the
// session that both sides derive.
func TestLoginTranscript(t *testing.T) {
	pass, err := account.NewPassKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := pass.Identity()
	if err != nil {
		t.Fatal(err)
	}
	id, salt, pin := pass.DeviceID(), account.Salt{1}, [32]byte{2}
	client, err := srp.NewClient(id[:], pass.Password(), nil)
	if err != nil {
		t.Fatal(err)
	}
	server, err := srp.NewServer(id[:], salt, srp.Verifier(id[:], pass.Password(), salt), client.A(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m1, err := client.Answer(salt, server.B())
	if err != nil {
		t.Fatal(err)
	}
	mine := account.LoginTranscript(id, salt, client.A(), server.B(), m1, pin)
	theirs := account.LoginTranscript(id, server.Salt(), server.A(), server.B(), m1, pin)
	if !identity.Public().Verify(theirs[:], identity.Sign(mine[:])) {
		t.Error("the signature does not fit")
	}
	if elsewhere := account.LoginTranscript(id, salt, client.A(), server.B(), m1, [32]byte{3}); elsewhere == mine {
		t.Error("a login is good at another service")
	}
	m2, sk, err := server.Check(m1)
	if err != nil {
		t.Fatal(err)
	}
	ck, err := client.Check(m2)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(account.NewChain(ck.Reveal(), mine).Marshal(), account.NewChain(sk.Reveal(), theirs).Marshal()) {
		t.Error("two sessions")
	}
}

func TestAuthorization(t *testing.T) {
	a := account.Authorization{Session: account.ID{1}, Gen: 3, Seq: 1<<63 - 1, MAC: account.Hash{4}}
	if back, err := account.ParseAuthorization(a.String()); err != nil || back != a {
		t.Error(back, err)
	}
	r := account.RotationProof{Session: account.ID{1}, Gen: 0, MAC: account.Hash{4}}
	if back, err := account.ParseRotationProof(r.String()); err != nil || back != r {
		t.Error(back, err)
	}
	good := a.String()
	for _, bad := range []string{
		"", "Viewflip ", good[9:], "viewflip " + good[9:], "Bearer " + good[9:], good + ".", good + "A", good[:len(good)-1], " " + good,
		strings.Replace(good, ".3.", ".03.", 1), strings.Replace(good, ".3.", ".+3.", 1), strings.Replace(good, ".3.", ".-3.", 1), strings.Replace(good, ".3.", "..", 1),
		strings.Replace(good, "9223372036854775807", "9223372036854775808", 1), strings.Replace(good, ".", ":", 1), strings.ToUpper(good),
	} {
		if got, err := account.ParseAuthorization(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
	for _, bad := range []string{"", good[9:], r.String() + ".", "Viewflip " + r.String(), strings.Replace(r.String(), ".0.", ".00.", 1)} {
		if got, err := account.ParseRotationProof(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}
