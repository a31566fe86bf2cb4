package account

import (
	"bytes"
	"encoding/binary"
	"errors"

	"viewflip.app/wire"
)

// The linking of a new device to an account, through a slot of the service.
// The new device shows the code, the person types it on an old device, and the
// two prove to each other by SRP (service/srp) that they have the same code:
// the new device in the client's role, the old one in the server's.
//
//	1 new → old  LinkHello    A
//	2 old → new  LinkOffer    salt, B
//	3 new → old  LinkProof    M1: the new device proves first
//	4 old → new  LinkConfirm  M2
//	5 new → old  LinkRequest, sealed: what is to be added
//	6 old → new  LinkGrant, sealed: after the person has seen it and confirmed
//
// The message numbers are the seqs of LinkPut; the first byte of a message is
// its number. Instead of any message a side may say LinkRefused.
//
// The code has 10^8 values, so everything hangs on how many of them a stranger
// can test per code:
//   - Who plays the new device (the service, or who guessed a slot) gets B,
//     which hides the verifier behind g^b, and learns one bit from the answer
//     to one M1. The old device checks one proof for what was typed, says
//     M2 only if it was right, and forgets the code.
//   - Who plays the old device must choose B before they see M1, and B commits
//     them to one verifier, thus one code: SRP-6a's k prevents a B that serves
//     for two. M1 tells them whether that was it. If not they cannot make M2; the
//     new device answers one offer, then takes a new slot and a new code.
//
// The service in the middle thus has two guesses in 10^8, one at each end, and
// a wrong one is seen by both people as a failure. The roles matter: were the
// old device to prove first, a stranger who opened a slot themselves and got the
// person to type any code would hold a proof made from that code.
//
// The service lets every seq be written once. It cannot enforce more, and the
// devices need not trust it.
type (
	// LinkHello is message 1.
	LinkHello struct{ A Number }
	// LinkOffer is message 2.
	LinkOffer struct {
		Salt Salt
		B    Number
	}
	// LinkProof is message 3.
	LinkProof struct{ M1 Hash }
	// LinkConfirm is message 4.
	LinkConfirm struct{ M2 Hash }
	// LinkRequest is message 5: the old device shows label and platform to the
	// person, and puts keys and credential into the account.
	LinkRequest struct {
		NewDevice
		Keys     DeviceKeys `json:"keys"`
		Platform Label      `json:"platform"`
	}
	// LinkGrant is message 6: with it the new device belongs to the account.
	// The versions are the least that it may see of vault and device list.
	LinkGrant struct {
		hidden
		Key                          Key
		VaultVersion, DevicesVersion uint64
	}
)

const (
	linkRefused byte = iota
	linkHello
	linkOffer
	linkProof
	linkConfirm
	linkRequest
	linkGrant
)

// ErrLinkRefused means that the other device ended the linking: the code was
// wrong, or the person said no. The code is burned.
var ErrLinkRefused = errors.New("account: the other device refused")

// LinkRefused is what is sent then.
func LinkRefused() LinkBlob { return LinkBlob{linkRefused} }

// Blob is the message as it is sent.
func (m LinkHello) Blob() LinkBlob { return append(LinkBlob{linkHello}, m.A[:]...) }

// Blob is the message as it is sent.
func (m LinkOffer) Blob() LinkBlob {
	return append(append(LinkBlob{linkOffer}, m.Salt[:]...), m.B[:]...)
}

// Blob is the message as it is sent.
func (m LinkProof) Blob() LinkBlob { return append(LinkBlob{linkProof}, m.M1[:]...) }

// Blob is the message as it is sent.
func (m LinkConfirm) Blob() LinkBlob { return append(LinkBlob{linkConfirm}, m.M2[:]...) }

// linkBody takes the number off a message, and wants the rest to have n bytes,
// any number if negative.
func linkBody(b LinkBlob, kind byte, n int) ([]byte, error) {
	if bytes.Equal(b, LinkRefused()) {
		return nil, ErrLinkRefused
	}
	if len(b) == 0 || len(b) > MaxLinkBlob || b[0] != kind || n >= 0 && len(b) != 1+n {
		return nil, wire.ErrMalformed
	}
	return b[1:], nil
}

// ParseLinkHello reads message 1; ErrLinkRefused if it is a refusal.
func ParseLinkHello(b LinkBlob) (m LinkHello, err error) {
	p, err := linkBody(b, linkHello, len(m.A))
	copy(m.A[:], p)
	return m, err
}

// ParseLinkOffer reads message 2; ErrLinkRefused if it is a refusal.
func ParseLinkOffer(b LinkBlob) (m LinkOffer, err error) {
	p, err := linkBody(b, linkOffer, len(m.Salt)+len(m.B))
	copy(m.B[:], p[copy(m.Salt[:], p):])
	return m, err
}

// ParseLinkProof reads message 3; ErrLinkRefused if it is a refusal.
func ParseLinkProof(b LinkBlob) (m LinkProof, err error) {
	p, err := linkBody(b, linkProof, len(m.M1))
	copy(m.M1[:], p)
	return m, err
}

// ParseLinkConfirm reads message 4; ErrLinkRefused if it is a refusal.
func ParseLinkConfirm(b LinkBlob) (m LinkConfirm, err error) {
	p, err := linkBody(b, linkConfirm, len(m.M2))
	copy(m.M2[:], p)
	return m, err
}

// LinkChannel seals what follows the proofs: AES-256-GCM, a random nonce
// first, under HKDF(K, salt = pin, "viewflip/1/link-request") for message 5
// and "viewflip/1/link-grant" for message 6; the pin is that of the service's
// certificate, so both devices talk to the same service. It cannot be printed.
type LinkChannel struct {
	secret
	pin [32]byte
}

// NewLinkChannel is the channel of SRP key k. Make it only after the other
// side's proof was right.
func NewLinkChannel(k, pin [32]byte) LinkChannel { return LinkChannel{newSecret(k), pin} }

const (
	labelLinkRequest = "viewflip/1/link-request"
	labelLinkGrant   = "viewflip/1/link-grant"
)

func (c LinkChannel) seal(kind byte, label string, plain []byte) LinkBlob {
	return newAEAD(c.deriveSalted(c.pin[:], label, 32)).Seal(LinkBlob{kind}, nil, plain, []byte(label))
}

func (c LinkChannel) open(kind byte, label string, b LinkBlob) ([]byte, error) {
	p, err := linkBody(b, kind, -1)
	if err != nil {
		return nil, err
	}
	plain, err := newAEAD(c.deriveSalted(c.pin[:], label, 32)).Open(nil, nil, p, []byte(label))
	if err != nil {
		return nil, wire.ErrMalformed
	}
	return plain, nil
}

// SealRequest makes message 5.
func (c LinkChannel) SealRequest(r LinkRequest) (LinkBlob, error) {
	b, err := Encode(r)
	if err != nil {
		return nil, err
	}
	return c.seal(linkRequest, labelLinkRequest, b), nil
}

// OpenRequest reads message 5; ErrLinkRefused if it is a refusal.
func (c LinkChannel) OpenRequest(b LinkBlob) (LinkRequest, error) {
	p, err := c.open(linkRequest, labelLinkRequest, b)
	if err != nil {
		return LinkRequest{}, err
	}
	return Decode[LinkRequest](bytes.NewReader(p))
}

// SealGrant makes message 6.
func (c LinkChannel) SealGrant(g LinkGrant) LinkBlob {
	seed := g.Key.bytes()
	b := binary.BigEndian.AppendUint64(seed[:], g.VaultVersion)
	return c.seal(linkGrant, labelLinkGrant, binary.BigEndian.AppendUint64(b, g.DevicesVersion))
}

// OpenGrant reads message 6; ErrLinkRefused if it is a refusal.
func (c LinkChannel) OpenGrant(b LinkBlob) (LinkGrant, error) {
	p, err := c.open(linkGrant, labelLinkGrant, b)
	if err != nil {
		return LinkGrant{}, err
	}
	if len(p) != 32+8+8 {
		return LinkGrant{}, wire.ErrMalformed
	}
	return LinkGrant{
		Key:          KeyFromSeed([32]byte(p)),
		VaultVersion: binary.BigEndian.Uint64(p[32:]), DevicesVersion: binary.BigEndian.Uint64(p[40:]),
	}, nil
}
