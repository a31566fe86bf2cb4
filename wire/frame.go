package wire

import (
	"encoding/binary"
	"time"
)

// MaxFrame bounds one binary WebSocket message with the service.
const MaxFrame = MaxSealed + 256

// Frame is one binary WebSocket message: a request id u32, a type u8, and the
// fields of the body. A reply quotes the id of its request. A Deliver has
// an id of the service's own, which the OK to it quotes; an Error about bytes that
// are no frame has id 0.
type Frame struct {
	ID   uint32
	Body FrameBody
}

// FrameBody is what a frame says. The set is closed.
type FrameBody interface{ frame() byte }

// ErrorCode is the closed list of what the service can answer instead.
type ErrorCode uint8

// The codes.
const (
	CodeUnknownInvite ErrorCode = iota + 1
	CodeOffline
	CodeTooLarge
	CodeRateLimited
	CodeAuthFailed
	CodeMalformed
	CodeUnavailable
)

// String names the code.
func (c ErrorCode) String() string {
	names := [...]string{"", "unknown_invite", "offline", "too_large", "rate_limited", "auth_failed", "malformed", "unavailable"}
	if int(c) < len(names) {
		return names[c]
	}
	return "unknown"
}

type (
	// ServiceHello is the first frame of a client.
	ServiceHello struct {
		Version uint16
		Device  Device
	}
	// Challenge answers it; the client signs: see ProofBytes.
	Challenge struct{ Nonce [32]byte }
	// Proof is the Ed25519 signature over ProofBytes.
	Proof struct{ Signature [64]byte }
	// Welcome ends the handshake.
	Welcome struct{}
	// OpenInvite makes this device findable by an invite id until Expires,
	// seconds since 1970.
	OpenInvite struct {
		Invite  InviteID
		Expires int64
	}
	// CloseInvite ends that.
	CloseInvite struct{ Invite InviteID }
	// Lookup asks for the keys of the device behind an invite id.
	Lookup struct{ Invite InviteID }
	// Found answers Lookup. The asker checks the keys against their link.
	Found struct{ Device Device }
	// Send hands the service a sealed message for a device.
	Send struct {
		To     Address
		Sealed []byte
	}
	// Deliver brings a device a sealed message.
	Deliver struct {
		From   Address
		Sealed []byte
	}
	// OK answers OpenInvite, CloseInvite and Send, and a client's OK a Deliver.
	OK struct{}
	// Error answers any request.
	Error struct{ Code ErrorCode }
)

const (
	frameHello byte = iota + 1
	frameChallenge
	frameProof
	frameWelcome
	frameOpenInvite
	frameCloseInvite
	frameLookup
	frameFound
	frameSend
	frameDeliver
	frameOK
	frameError
)

func (ServiceHello) frame() byte { return frameHello }
func (Challenge) frame() byte    { return frameChallenge }
func (Proof) frame() byte        { return frameProof }
func (Welcome) frame() byte      { return frameWelcome }
func (OpenInvite) frame() byte   { return frameOpenInvite }
func (CloseInvite) frame() byte  { return frameCloseInvite }
func (Lookup) frame() byte       { return frameLookup }
func (Found) frame() byte        { return frameFound }
func (Send) frame() byte         { return frameSend }
func (Deliver) frame() byte      { return frameDeliver }
func (OK) frame() byte           { return frameOK }
func (Error) frame() byte        { return frameError }

// ProofBytes is what a device signs to log in: the length-prefixed context
// "viewflip/1/service", the pin of the certificate that it sees, the nonce and
// its 64 key bytes. A signature for one service is no good at another.
func ProofBytes(pin [32]byte, nonce [32]byte, d Device) []byte {
	return lengthPrefixed([]byte("viewflip/1/service"), pin[:], nonce[:], d.Append(nil))
}

// AppendFrame appends a frame; ErrTooLarge if a sealed message is over its
// limit.
func AppendFrame(b []byte, f Frame) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, f.ID)
	b = append(b, f.Body.frame())
	switch m := f.Body.(type) {
	case ServiceHello:
		b = m.Device.Append(binary.BigEndian.AppendUint16(b, m.Version))
	case Challenge:
		b = append(b, m.Nonce[:]...)
	case Proof:
		b = append(b, m.Signature[:]...)
	case OpenInvite:
		b = binary.BigEndian.AppendUint64(append(b, m.Invite[:]...), uint64(m.Expires))
	case CloseInvite:
		b = append(b, m.Invite[:]...)
	case Lookup:
		b = append(b, m.Invite[:]...)
	case Found:
		b = m.Device.Append(b)
	case Send:
		if len(m.Sealed) > MaxSealed {
			return nil, ErrTooLarge
		}
		b = appendBytes(append(b, m.To[:]...), m.Sealed)
	case Deliver:
		if len(m.Sealed) > MaxSealed {
			return nil, ErrTooLarge
		}
		b = appendBytes(append(b, m.From[:]...), m.Sealed)
	case Error:
		b = append(b, byte(m.Code))
	case Relay:
		b = append(b, m.Invite[:]...)
	case RelayCredentials:
		return appendRelayCredentials(b, m)
	default:
		b = appendAccountFrame(b, m)
	}
	return b, nil
}

// maxExpiry bounds Expires to times that a clock can show.
var maxExpiry = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).Unix() //nolint:gochecknoglobals // a constant

// ParseFrame is the only way from a WebSocket message to a Frame.
func ParseFrame(b []byte) (Frame, error) { //nolint:funlen // a table: one case a kind, nothing but its fields
	if len(b) > MaxFrame {
		return Frame{}, ErrTooLarge
	}
	r := &reader{b: b}
	f := Frame{ID: r.u32()}
	ok := true
	switch kind := r.u8(); kind {
	case frameHello:
		h := ServiceHello{Version: r.u16(), Device: r.device()}
		f.Body, ok = h, h.Version != 0
	case frameChallenge:
		var c Challenge
		r.copy(c.Nonce[:])
		f.Body = c
	case frameProof:
		var p Proof
		r.copy(p.Signature[:])
		f.Body = p
	case frameWelcome:
		f.Body = Welcome{}
	case frameOpenInvite:
		var o OpenInvite
		r.copy(o.Invite[:])
		o.Expires = int64(r.u64())
		f.Body, ok = o, o.Expires >= 0 && o.Expires < maxExpiry
	case frameCloseInvite:
		var c CloseInvite
		r.copy(c.Invite[:])
		f.Body = c
	case frameLookup:
		var l Lookup
		r.copy(l.Invite[:])
		f.Body = l
	case frameFound:
		f.Body = Found{Device: r.device()}
	case frameSend:
		var s Send
		r.copy(s.To[:])
		s.Sealed = r.bytes(MaxSealed)
		f.Body = s
	case frameDeliver:
		var d Deliver
		r.copy(d.From[:])
		d.Sealed = r.bytes(MaxSealed)
		f.Body = d
	case frameOK:
		f.Body = OK{}
	case frameError:
		e := Error{Code: ErrorCode(r.u8())}
		f.Body, ok = e, e.Code >= CodeUnknownInvite && e.Code <= CodeUnavailable
	case frameRelay:
		var m Relay
		r.copy(m.Invite[:])
		f.Body = m
	case frameRelayCredentials:
		f.Body, ok = r.relayCredentials()
	default:
		f.Body, ok = r.accountFrame(kind)
	}
	if err := r.end(); err != nil || !ok {
		return Frame{}, ErrMalformed
	}
	return f, nil
}
