package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
)

// Limits of signals.
const (
	MaxSDP       = 48 << 10
	MaxSealed    = 64 << 10
	MaxMembers   = 32
	maxCandidate = 1024
)

// Signal is what two devices tell each other through the service before they
// are connected. It travels only inside a sealed Envelope. The set is closed.
type Signal interface{ signal() byte }

// RejectReason is why a link was refused by the inviter's machine.
type RejectReason uint8

// The reasons.
const (
	RejectUsed RejectReason = iota + 1
	RejectExpired
	RejectFull
	RejectStopped
)

// String is a sentence for the person who came by the link.
func (r RejectReason) String() string {
	switch r {
	case RejectUsed:
		return "this link has been used by another device; ask for a new one"
	case RejectExpired:
		return "this link has expired; ask for a new one"
	case RejectFull:
		return "the call is full"
	case RejectStopped:
		return "this link is not valid any more; ask for a new one"
	}
	return "refused"
}

// RingReason is why a device does not ring any more.
type RingReason uint8

// The reasons.
const (
	RingCancelled RingReason = iota + 1 // the caller gave up
	RingAnswered                        // another device answered
	RingDeclined                        // the person who was called does not want to
)

// String is a few words for people.
func (r RingReason) String() string {
	switch r {
	case RingCancelled:
		return "the call was given up"
	case RingAnswered:
		return "answered on another device"
	case RingDeclined:
		return "declined"
	}
	return "ringing"
}

// Member is another device in the call, with the pair id under which it and
// the newcomer will talk.
type Member struct {
	Device Device
	Name   string
	Pair   [16]byte
}

type (
	// Knock asks the inviter to be let in. MAC proves that the sender holds the
	// secret of the link: see SignKnock.
	Knock struct {
		Invite InviteID
		Device Device
		Name   string
		Nonce  [32]byte
		MAC    [32]byte
	}
	// Admit lets a newcomer in. Echo is the nonce of their knock. They call the
	// inviter and every member.
	Admit struct {
		Nonce, Echo [32]byte
		Name        string
		Members     []Member
	}
	// Reject does not.
	Reject struct {
		Echo   [32]byte
		Reason RejectReason
	}
	// Introduce tells a member of a newcomer who will call them.
	Introduce struct{ Member Member }
	// Offer and Answer are WebRTC session descriptions (RFC 8829) with the
	// SHA-256 fingerprint of the DTLS certificate that must be in use.
	Offer struct {
		SDP         string
		Fingerprint [32]byte
	}
	// Answer answers an Offer.
	Answer struct {
		SDP         string
		Fingerprint [32]byte
	}
	// Candidate is one ICE candidate in JSON form of RTCIceCandidateInit.
	Candidate struct{ Line string }
	// Ring asks the devices of a contact into a call: whoever comes by Link first
	// is in it. Device is the sender's own; that it is one of the contact's, its
	// receiver finds out in the contact's signed list. Name is what the sender
	// calls themselves.
	Ring struct {
		Device Device
		Link   Link
		Name   string
	}
	// RingEnd ends the ringing for an invitation: the caller gave up, another
	// device answered, or the person who was called does not want to.
	RingEnd struct {
		Device Device
		Invite InviteID
		Reason RingReason
	}
	// RingCheck makes sure that a Ring is of now: whoever got one asks its sender,
	// who says Alive, with the same nonce, if they ring with this invitation at that
	// moment. So a ring that somebody kept rings nowhere.
	RingCheck struct {
		Device Device
		Invite InviteID
		Nonce  [16]byte
		Alive  bool
	}
	// NeedMedia asks the offerer to offer again with so many more lines to
	// send on, and with new ICE credentials if Restart (RFC 8445, section 2.4).
	NeedMedia struct {
		Lines   uint8
		Restart bool
	}
)

const (
	signalKnock byte = iota + 1
	signalAdmit
	signalReject
	signalIntroduce
	signalOffer
	signalAnswer
	signalCandidate
	signalNeedMedia
	signalRing
	signalRingEnd
	signalRingCheck
)

func (Knock) signal() byte     { return signalKnock }
func (Admit) signal() byte     { return signalAdmit }
func (Reject) signal() byte    { return signalReject }
func (Introduce) signal() byte { return signalIntroduce }
func (Offer) signal() byte     { return signalOffer }
func (Answer) signal() byte    { return signalAnswer }
func (Candidate) signal() byte { return signalCandidate }
func (NeedMedia) signal() byte { return signalNeedMedia }
func (Ring) signal() byte      { return signalRing }
func (RingEnd) signal() byte   { return signalRingEnd }
func (RingCheck) signal() byte { return signalRingCheck }

func appendMember(b []byte, m Member) []byte {
	return append(appendText(m.Device.Append(b), m.Name, MaxName), m.Pair[:]...)
}

func (r *reader) device() Device {
	d, err := ParseDevice(r.take(deviceSize))
	r.bad = r.bad || err != nil
	return d
}

func (r *reader) member() Member {
	m := Member{Device: r.device(), Name: r.name()}
	r.copy(m.Pair[:])
	return m
}

func appendSignal(b []byte, s Signal) ([]byte, error) {
	b = append(b, s.signal())
	switch s := s.(type) {
	case Knock:
		b = append(b, s.Invite[:]...)
		b = appendText(s.Device.Append(b), s.Name, MaxName)
		b = append(append(b, s.Nonce[:]...), s.MAC[:]...)
	case Admit:
		if len(s.Members) > MaxMembers {
			return nil, ErrTooLarge
		}
		b = append(append(b, s.Nonce[:]...), s.Echo[:]...)
		b = append(appendText(b, s.Name, MaxName), byte(len(s.Members)))
		for _, m := range s.Members {
			b = appendMember(b, m)
		}
	case Reject:
		b = append(append(b, s.Echo[:]...), byte(s.Reason))
	case Introduce:
		b = appendMember(b, s.Member)
	case Offer:
		b = append(appendBytes(b, []byte(s.SDP)), s.Fingerprint[:]...)
	case Answer:
		b = append(appendBytes(b, []byte(s.SDP)), s.Fingerprint[:]...)
	case Candidate:
		b = appendBytes(b, []byte(s.Line))
	case NeedMedia:
		b = appendFlag(append(b, s.Lines), s.Restart)
	case Ring:
		link := s.Link.String()
		if len(link) > maxLink {
			return nil, ErrTooLarge
		}
		b = appendText(appendBytes(s.Device.Append(b), []byte(link)), s.Name, MaxName)
	case RingEnd:
		b = append(append(s.Device.Append(b), s.Invite[:]...), byte(s.Reason))
	case RingCheck:
		b = append(append(s.Device.Append(b), s.Invite[:]...), s.Nonce[:]...)
		b = appendFlag(b, s.Alive)
	}
	return b, nil
}

func parseSignal(b []byte) (Signal, error) { //nolint:funlen // a table: one case a kind, nothing but its fields
	r := &reader{b: b}
	var s Signal
	ok := true
	switch r.u8() {
	case signalKnock:
		var k Knock
		r.copy(k.Invite[:])
		k.Device, k.Name = r.device(), r.name()
		r.copy(k.Nonce[:])
		r.copy(k.MAC[:])
		s = k
	case signalAdmit:
		var a Admit
		r.copy(a.Nonce[:])
		r.copy(a.Echo[:])
		a.Name = r.name()
		n := int(r.u8())
		ok = n <= MaxMembers
		for range min(n, MaxMembers) {
			a.Members = append(a.Members, r.member())
		}
		s = a
	case signalReject:
		var j Reject
		r.copy(j.Echo[:])
		j.Reason = RejectReason(r.u8())
		s, ok = j, j.Reason >= RejectUsed && j.Reason <= RejectStopped
	case signalIntroduce:
		s = Introduce{Member: r.member()}
	case signalOffer:
		o := Offer{SDP: string(r.bytes(MaxSDP))}
		r.copy(o.Fingerprint[:])
		s = o
	case signalAnswer:
		a := Answer{SDP: string(r.bytes(MaxSDP))}
		r.copy(a.Fingerprint[:])
		s = a
	case signalCandidate:
		s = Candidate{Line: string(r.bytes(maxCandidate))}
	case signalNeedMedia:
		s = NeedMedia{Lines: r.u8(), Restart: r.flag()}
	case signalRing:
		g := Ring{Device: r.device()}
		link, err := ParseLink(string(r.bytes(maxLink)))
		g.Link, g.Name = link, r.name()
		s, ok = g, err == nil
	case signalRingEnd:
		e := RingEnd{Device: r.device()}
		r.copy(e.Invite[:])
		e.Reason = RingReason(r.u8())
		s, ok = e, e.Reason >= RingCancelled && e.Reason <= RingDeclined
	case signalRingCheck:
		c := RingCheck{Device: r.device()}
		r.copy(c.Invite[:])
		r.copy(c.Nonce[:])
		c.Alive = r.flag()
		s = c
	default:
		ok = false
	}
	if err := r.end(); err != nil || !ok {
		return nil, ErrMalformed
	}
	return s, nil
}

const contextKnock = "viewflip/1/knock"

// SignKnock fills in the MAC: HMAC-SHA-256 under the link's secret over the
// length-prefixed context "viewflip/1/knock", invite id, sender's device,
// inviter's device and nonce.
func SignKnock(k Knock, secret Secret, inviter Device) Knock {
	copy(k.MAC[:], knockMAC(k, secret, inviter))
	return k
}

// VerifyKnock reports whether from sent k and holds the secret of the link.
func VerifyKnock(k Knock, secret Secret, from, inviter Device) bool {
	return k.Device == from && hmac.Equal(k.MAC[:], knockMAC(k, secret, inviter))
}

func knockMAC(k Knock, secret Secret, inviter Device) []byte {
	s := secret.Reveal()
	h := hmac.New(sha256.New, s[:])
	h.Write(lengthPrefixed([]byte(contextKnock), k.Invite[:], k.Device.Append(nil), inviter.Append(nil), k.Nonce[:]))
	return h.Sum(nil)
}

// PairID names the connection that a knock and its answer agree on. Both
// nonces are fresh, so nothing from an earlier connection fits.
func PairID(joiner, inviter [32]byte) (id [16]byte) {
	h := sha256.Sum256(lengthPrefixed([]byte("viewflip/1/pair"), joiner[:], inviter[:]))
	copy(id[:], h[:])
	return id
}

// FingerprintOf returns the one SHA-256 certificate fingerprint of a session
// description (RFC 8122). None, two different ones or another hash is an error.
func FingerprintOf(sdp string) (fp [32]byte, err error) {
	found := false
	for line := range strings.Lines(sdp) {
		v, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "a=fingerprint:")
		if !ok {
			continue
		}
		hash, digits, _ := strings.Cut(v, " ")
		raw, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
		if !strings.EqualFold(hash, "sha-256") || err != nil || len(raw) != len(fp) {
			return fp, fmt.Errorf("%w: fingerprint", ErrMalformed)
		}
		if found && [32]byte(raw) != fp {
			return fp, fmt.Errorf("%w: two fingerprints", ErrMalformed)
		}
		fp, found = [32]byte(raw), true
	}
	if !found {
		return fp, fmt.Errorf("%w: no fingerprint", ErrMalformed)
	}
	return fp, nil
}

// Replay accepts each sequence number once, strictly rising. The zero value is
// ready and accepts from 1.
type Replay struct {
	mu   sync.Mutex
	last uint64
}

// Accept reports whether seq is newer than all before.
func (r *Replay) Accept(seq uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq <= r.last {
		return false
	}
	r.last = seq
	return true
}

func appendEnvelope(b []byte, e Envelope) ([]byte, error) {
	b = append(b, e.Pair[:]...)
	b = binary.BigEndian.AppendUint64(b, e.Seq)
	return appendSignal(b, e.Body)
}

func parseEnvelope(b []byte) (Envelope, error) {
	r := &reader{b: b}
	var e Envelope
	r.copy(e.Pair[:])
	e.Seq = r.u64()
	if r.bad {
		return e, ErrMalformed
	}
	var err error
	e.Body, err = parseSignal(r.b)
	return e, err
}
