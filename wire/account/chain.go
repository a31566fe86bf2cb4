package account

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"

	"viewflip.app/wire"
)

// Names of the headers that carry authorizations.
const (
	// HeaderAuthorization carries an Authorization.
	HeaderAuthorization = "Authorization"
	// HeaderRotate carries a RotationProof.
	HeaderRotate = "Viewflip-Rotate"
)

// LoginTranscript is what a device signs to log in and what binds the session
// to it: the SHA-256 of lp("viewflip/1/login", device id, salt, A, B, M1, pin).
// The pin is that of the service's certificate, as in wire.Service.
func LoginTranscript(device ID, salt Salt, a, b Number, m1 Hash, pin [32]byte) Hash {
	return sha256.Sum256(lp("viewflip/1/login", device[:], salt[:], a[:], b[:], m1[:], pin[:]))
}

// Chain is the secret of a session in one generation. Both sides derive it, and
// nothing of it ever crosses the wire:
//
//	C0 = HKDF(K, salt = transcript, "viewflip/1/session")
//	R  = HKDF(C0, "viewflip/1/rotate"), the same in every generation
//	C(g+1)  = HKDF(C(g), salt = nonce of the rotation, "viewflip/1/next")
//	access key of a generation = HKDF(C(g), "viewflip/1/access")
//
// A Chain is R and C(g). It cannot be printed. R stays the same so that a copy
// that fell behind, however far, still proves that it is a copy: see
// SessionRow.Rotate.
type Chain struct {
	hidden
	rotate, current secret
}

// NewChain is generation 0 of the session that an SRP login with this
// transcript began; k is the SRP key.
func NewChain(k [32]byte, transcript Hash) Chain {
	c := newSecret([32]byte(derive(k[:], transcript[:], "viewflip/1/session", 32)))
	return Chain{rotate: newSecret([32]byte(c.derive("viewflip/1/rotate", 32))), current: c}
}

// Next is the chain of the generation after a rotation.
func (c Chain) Next(nonce Hash) Chain {
	n := c.current.deriveSalted(nonce[:], "viewflip/1/next", 32)
	return Chain{rotate: c.rotate, current: newSecret([32]byte(n))}
}

// ChainSize is the length of what Chain.Marshal gives.
const ChainSize = 64

// Marshal gives the secret bytes, R then C(g): seal them before they are
// stored.
func (c Chain) Marshal() []byte {
	r, n := c.rotate.bytes(), c.current.bytes()
	return append(r[:], n[:]...)
}

// ParseChain reads what Marshal wrote.
func ParseChain(b []byte) (Chain, error) {
	if len(b) != ChainSize {
		return Chain{}, wire.ErrMalformed
	}
	return Chain{rotate: newSecret([32]byte(b)), current: newSecret([32]byte(b[32:]))}, nil
}

// RequestMAC authenticates one request: HMAC-SHA256 under the access key of
// lp("viewflip/1/request", session, u64 gen, u64 seq, method, path,
// SHA-256(body)). Path is the request's path without query, which calls do not
// have.
func (c Chain) RequestMAC(session ID, gen, seq uint64, method, path string, body []byte) Hash {
	sum := sha256.Sum256(body)
	return mac(c.current.derive("viewflip/1/access", 32),
		lp("viewflip/1/request", session[:], u64(gen), u64(seq), []byte(method), []byte(path), sum[:]))
}

// Method and path of the MAC in a Bind frame, which binds a WebSocket to a
// session; its body is the nonce of the Challenge.
const (
	BindMethod = "BIND"
	BindPath   = "/ws"
)

// RotateMAC authenticates a rotation: HMAC-SHA256 under R of
// lp("viewflip/1/rotate", session, u64 gen, rid).
func (c Chain) RotateMAC(session ID, gen uint64, rid ID) Hash {
	r := c.rotate.bytes()
	return mac(r[:], lp("viewflip/1/rotate", session[:], u64(gen), rid[:]))
}

// Authorization is the header of a request with a session:
// "Viewflip <session>.<gen>.<seq>.<mac>", numbers in decimal without leading
// zeros, mac in unpadded base64url.
type Authorization struct {
	Session  ID
	Gen, Seq uint64
	MAC      Hash
}

const authorizationScheme = "Viewflip "

// String is the value of the header.
func (a Authorization) String() string {
	return authorizationScheme + a.Session.String() + "." + strconv.FormatUint(a.Gen, 10) + "." +
		strconv.FormatUint(a.Seq, 10) + "." + base64.RawURLEncoding.EncodeToString(a.MAC[:])
}

// ParseAuthorization reads what String wrote and nothing else.
func ParseAuthorization(s string) (Authorization, error) {
	s, ok := strings.CutPrefix(s, authorizationScheme)
	p := strings.Split(s, ".")
	if !ok || len(p) != 4 {
		return Authorization{}, wire.ErrMalformed
	}
	var a Authorization
	if a.parse(p[0], p[1], p[3]) != nil || number(&a.Seq, p[2]) != nil {
		return Authorization{}, wire.ErrMalformed
	}
	return a, nil
}

func (a *Authorization) parse(session, gen, mac string) (err error) {
	if a.Session, err = ParseID(session); err != nil {
		return err
	}
	if err = number(&a.Gen, gen); err != nil {
		return err
	}
	return a.MAC.UnmarshalText([]byte(mac))
}

// number reads a decimal below 2^63, which a BIGINT column holds, in its one
// form.
func number(v *uint64, s string) error {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != s {
		return wire.ErrMalformed
	}
	*v = n
	return nil
}

// RotationProof is the header Viewflip-Rotate: "<session>.<gen>.<mac>".
type RotationProof struct {
	Session ID
	Gen     uint64
	MAC     Hash
}

// String is the value of the header.
func (r RotationProof) String() string {
	return r.Session.String() + "." + strconv.FormatUint(r.Gen, 10) + "." + base64.RawURLEncoding.EncodeToString(r.MAC[:])
}

// ParseRotationProof reads what String wrote and nothing else.
func ParseRotationProof(s string) (RotationProof, error) {
	p := strings.Split(s, ".")
	var a Authorization
	if len(p) != 3 || a.parse(p[0], p[1], p[2]) != nil {
		return RotationProof{}, wire.ErrMalformed
	}
	return RotationProof{Session: a.Session, Gen: a.Gen, MAC: a.MAC}, nil
}
