package wire

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"errors"
	"fmt"
)

// Errors of opening a sealed message.
var (
	// ErrSeal means that it was altered or is sealed to somebody else.
	ErrSeal = errors.New("wire: the message was altered or is not for this device")
	// ErrSignature means that somebody else than the expected sender made it.
	ErrSignature = errors.New("wire: the message was not signed by the expected sender")
)

const contextSignal = "viewflip/1/signal"

// Envelope is the inside of a sealed message. Pair and Seq stop replays: see
// PairID and Replay; both are zero in Knock, Admit and Reject, which are bound
// by their nonces.
type Envelope struct {
	Pair [16]byte
	Seq  uint64
	Body Signal
}

// paddedTo hides the kind of a signal from the service: the inside is filled
// to a multiple of this many bytes.
const paddedTo = 512

// Seal signs e as from and seals it so that only to can open it:
//
//	body   = pair[16] | seq u64 | type u8 | fields
//	signed = lp("viewflip/1/signal") lp(to's 64 key bytes) lp(body)
//	inside = signature[64] lp(body) zero padding to a multiple of 512
//	sealed = HPKE base mode (RFC 9180), DHKEM(X25519, HKDF-SHA256),
//	         HKDF-SHA256, ChaCha20-Poly1305, info "viewflip/1/signal"
//
// where lp is a u32 length before the bytes.
func Seal(from *Identity, to Device, e Envelope) ([]byte, error) {
	body, err := appendEnvelope(nil, e)
	if err != nil {
		return nil, err
	}
	inside := appendBytes(from.Sign(signedBytes(to, body)), body)
	inside = append(inside, make([]byte, (paddedTo-len(inside)%paddedTo)%paddedTo)...)
	pub, err := ecdh.X25519().NewPublicKey(to.box[:])
	if err != nil {
		return nil, fmt.Errorf("wire: seal: %w", err)
	}
	pk, err := hpke.NewDHKEMPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("wire: seal: %w", err)
	}
	b, err := hpke.Seal(pk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(contextSignal), inside)
	if err != nil {
		return nil, fmt.Errorf("wire: seal: %w", err)
	}
	if len(b) > MaxSealed {
		return nil, ErrTooLarge
	}
	return b, nil
}

func signedBytes(to Device, body []byte) []byte {
	return lengthPrefixed([]byte(contextSignal), to.Append(nil), body)
}

func unseal(to *Identity, b []byte) (signature, body []byte, err error) {
	if len(b) > MaxSealed {
		return nil, nil, ErrTooLarge
	}
	inside, err := hpke.Open(to.open, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(contextSignal), b)
	if err != nil {
		return nil, nil, ErrSeal
	}
	r := &reader{b: inside}
	signature = r.take(ed25519.SignatureSize)
	body = r.bytes(MaxSealed)
	if r.bad || len(r.b) >= paddedTo {
		return nil, nil, ErrMalformed
	}
	for _, z := range r.b {
		if z != 0 {
			return nil, nil, ErrMalformed
		}
	}
	return signature, body, nil
}

// Open opens a message that from sealed to to. The signature is checked before
// anything inside is parsed.
func Open(to *Identity, from Device, b []byte) (Envelope, error) {
	sig, body, err := unseal(to, b)
	if err != nil {
		return Envelope{}, err
	}
	if !from.Verify(signedBytes(to.pub, body), sig) {
		return Envelope{}, ErrSignature
	}
	return parseEnvelope(body)
}

// introductory is a signal of a device that its receiver may not know: it names
// the device that signed it.
type introductory interface{ sender() Device }

func (k Knock) sender() Device     { return k.Device }
func (r Ring) sender() Device      { return r.Device }
func (r RingEnd) sender() Device   { return r.Device }
func (r RingCheck) sender() Device { return r.Device }

// OpenKnock opens a message of somebody unknown: it must be a Knock, a Ring, a
// RingEnd or a RingCheck, signed by the device that it names. Whose that is, VerifyKnock or
// a contact's list of devices tells.
func OpenKnock(to *Identity, b []byte) (Device, Envelope, error) {
	sig, body, err := unseal(to, b)
	if err != nil {
		return Device{}, Envelope{}, err
	}
	e, err := parseEnvelope(body)
	if err != nil {
		return Device{}, Envelope{}, err
	}
	k, ok := e.Body.(introductory)
	if !ok {
		return Device{}, Envelope{}, ErrSignature
	}
	from := k.sender()
	if !from.Verify(signedBytes(to.pub, body), sig) {
		return Device{}, Envelope{}, ErrSignature
	}
	return from, e, nil
}
