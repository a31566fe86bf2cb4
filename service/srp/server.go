package srp

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"

	"filippo.io/bigmod"
)

// ErrState means that the bytes of a server's state are not what Marshal
// wrote.
var ErrState = errors.New("srp: damaged state")

// MaxID bounds an id that Marshal can keep, in bytes.
const MaxID = 64

// Server is one attempt of the side that has the verifier. It checks one proof
// and no more: the caller destroys the state before it calls Check.
type Server struct {
	s            *suite
	id           []byte
	salt         [SaltSize]byte
	verifier     *bigmod.Nat
	b            [exponentSize]byte
	public       []byte
	other        []byte // A
	verifierWide [Size]byte
}

// NewServer answers the client's value a with a new exponent of random, nil
// meaning crypto/rand. ErrPublic if a or the verifier is illegal, before any
// exponentiation; one exponentiation otherwise.
func NewServer(id []byte, salt [SaltSize]byte, verifier, a [Size]byte, random io.Reader) (*Server, error) {
	s := &Server{s: standard(), id: bytes.Clone(id), salt: salt, verifierWide: verifier, other: a[:]}
	if err := s.parse(); err != nil {
		return nil, err
	}
	b, err := newExponent(random)
	if err != nil {
		return nil, err
	}
	s.b = b
	s.public = s.s.public(s.verifier, s.b[:])
	return s, nil
}

// parse checks A and the verifier.
func (s *Server) parse() (err error) {
	if _, err = s.s.parse(s.other); err != nil {
		return err
	}
	if len(s.id) > MaxID {
		return ErrState
	}
	s.verifier, err = s.s.parse(s.verifierWide[:])
	return err
}

// B is the server's public value; it goes to the client with the salt.
func (s *Server) B() [Size]byte { return [Size]byte(s.public) }

// Salt is the salt that the client needs.
func (s *Server) Salt() [SaltSize]byte { return s.salt }

// A is the client's public value, as NewServer was given it.
func (s *Server) A() [Size]byte { return [Size]byte(s.other) }

// Check takes the client's proof and gives the server's proof and the shared
// key; ErrProof if the client does not know the password. Two exponentiations.
func (s *Server) Check(m1 [ProofSize]byte) (m2 [ProofSize]byte, k Key, err error) {
	secret, err := s.s.serverSecret(s.b[:], s.public, s.verifier, s.other)
	if err != nil {
		return m2, Key{}, err
	}
	key, want, proof := s.s.proofs(s.id, s.salt[:], s.other, s.public, secret)
	if subtle.ConstantTimeCompare(want, m1[:]) != 1 {
		return m2, Key{}, ErrProof
	}
	return [ProofSize]byte(proof), newKey(key), nil
}

const stateVersion = 1

// Marshal is the state between the two calls of a login: version 1, salt,
// verifier, b, B, A, then the id. It is secret: seal it before it is stored,
// and let it be taken out once.
func (s *Server) Marshal() []byte {
	b := append([]byte{stateVersion}, s.salt[:]...)
	b = append(append(append(append(b, s.verifierWide[:]...), s.b[:]...), s.public...), s.other...)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s.id))), s.id...)
}

// ParseServer reads what Marshal wrote; ErrState if it is something else.
func ParseServer(b []byte) (*Server, error) {
	const fixed = 1 + SaltSize + Size + exponentSize + Size + Size + 2
	if len(b) < fixed || len(b) > fixed+MaxID || b[0] != stateVersion {
		return nil, ErrState
	}
	take := func(n int) []byte {
		p := bytes.Clone(b[:n])
		b = b[n:]
		return p
	}
	take(1)
	s := &Server{s: standard(), salt: [SaltSize]byte(take(SaltSize)), verifierWide: [Size]byte(take(Size)), b: [exponentSize]byte(take(exponentSize))}
	s.public, s.other = take(Size), take(Size)
	n := int(binary.BigEndian.Uint16(take(2)))
	if n != len(b) {
		return nil, ErrState
	}
	s.id = take(n)
	if _, err := s.s.parse(s.public); err != nil || s.parse() != nil {
		return nil, ErrState
	}
	return s, nil
}

// Format hides the verifier and the exponent.
func (*Server) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// LogValue hides them.
func (*Server) LogValue() slog.Value { return slog.StringValue("***") }

// FakeVerifier is what an id that nobody has is answered with: always the
// same for one key, so that asking twice tells nothing. The caller goes on as
// with a real verifier, to a wrong proof. No password fits.
func FakeVerifier(key [32]byte, id []byte) (salt [SaltSize]byte, verifier [Size]byte) {
	b, err := hkdf.Key(sha256.New, key[:], nil, "viewflip/1/no-such-device"+string(id), SaltSize+Size)
	if err != nil {
		panic("srp: " + err.Error()) // the length is a constant below HKDF's limit
	}
	salt, verifier = [SaltSize]byte(b), [Size]byte(b[SaltSize:])
	verifier[0] &= 0x7f // below N, which begins with a one
	return salt, verifier
}

// Gate lets a number of callers compute at a time and has the others wait, so
// that a flood of logins leaves the processors to those who are connected.
type Gate struct{ free chan struct{} }

// NewGate admits n at a time; 0 or less means all processors but one, which is
// left to everybody else.
func NewGate(n int) *Gate {
	if n <= 0 {
		n = max(1, runtime.NumCPU()-1)
	}
	return &Gate{make(chan struct{}, n)}
}

// Do calls f once there is room and returns its error, or that of ctx if it
// ended before.
func (g *Gate) Do(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g.free <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-g.free }()
	return f()
}
