package srp

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Key is K, the secret that both sides share after a proof. It cannot be
// printed: the bytes are behind two pointers, since fmt follows one when the
// Key is a private field of something else and the verb is a wrong one.
type Key struct{ b **[ProofSize]byte }

func newKey(b []byte) Key {
	k := (*[ProofSize]byte)(b)
	return Key{&k}
}

// Reveal returns the bytes; the name is there to be searched for. The zero Key
// is all zeros.
func (k Key) Reveal() [ProofSize]byte {
	if k.b == nil {
		return [ProofSize]byte{}
	}
	return **k.b
}

// Format hides the key from every verb of fmt.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// LogValue hides the key.
func (Key) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalText hides the key.
func (Key) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Client is one attempt of the side that knows the password. Not for
// concurrent use.
type Client struct {
	s            *suite
	id, password []byte
	a            [exponentSize]byte
	public       []byte
	key, want    []byte // K and the M2 that proves the server
}

// NewClient begins an attempt with a new exponent of random, nil meaning
// crypto/rand. One exponentiation. It fails only if random does.
func NewClient(id, password []byte, random io.Reader) (*Client, error) {
	a, err := newExponent(random)
	if err != nil {
		return nil, err
	}
	c := &Client{s: standard(), id: bytes.Clone(id), password: bytes.Clone(password), a: a}
	c.public = c.s.power(c.a[:])
	return c, nil
}

// A is the client's public value, the first message.
func (c *Client) A() [Size]byte { return [Size]byte(c.public) }

// Answer computes the proof M1 that the client knows the password, from what
// the server sent. ErrPublic if b is illegal. Four exponentiations.
func (c *Client) Answer(salt [SaltSize]byte, b [Size]byte) (m1 [ProofSize]byte, err error) {
	x := c.s.x(salt[:], c.id, c.password)
	secret, err := c.s.clientSecret(c.a[:], c.public, x, b[:])
	if err != nil {
		return m1, err
	}
	key, proof, want := c.s.proofs(c.id, salt[:], c.public, b[:], secret)
	c.key, c.want = key, want
	return [ProofSize]byte(proof), nil
}

// Check takes the server's proof and gives the shared key; ErrProof if the
// server does not have the verifier of this password, or nothing was answered.
func (c *Client) Check(m2 [ProofSize]byte) (Key, error) {
	if c.want == nil || subtle.ConstantTimeCompare(c.want, m2[:]) != 1 {
		return Key{}, ErrProof
	}
	return newKey(c.key), nil
}

// Format hides the password and the exponent.
func (*Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// LogValue hides them.
func (*Client) LogValue() slog.Value { return slog.StringValue("***") }
