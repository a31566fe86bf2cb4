package account

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"viewflip.app/wire"
)

// Slot names a meeting place at the service for the linking of a device: four
// digits, not secret.
type Slot string

const (
	slotDigits   = 4
	secretDigits = 8
)

// ParseSlot reads four digits.
func ParseSlot(s string) (Slot, error) {
	d, err := digits(s, slotDigits)
	if err != nil || d != s {
		return "", wire.ErrMalformed
	}
	return Slot(s), nil
}

// NewSlot makes one of random; nil means crypto/rand. The service looks
// whether it is free.
func NewSlot(random io.Reader) (Slot, error) {
	s, err := randomDigits(random, slotDigits)
	return Slot(s), err
}

// UnmarshalText is ParseSlot.
func (s *Slot) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSlot(string(b))
	return err
}

// ErrLinkCode means that a text is not the code that a new device shows.
var ErrLinkCode = errors.New("the code has twelve digits")

// LinkCode is what the new device shows and the person types on the old one:
// the slot and eight secret digits. It cannot be printed but by Text.
type LinkCode struct {
	hidden
	slot   Slot
	secret **string // behind two pointers, as secret's bytes are
}

// NewLinkCode makes a code for a slot, of random; nil means crypto/rand.
func NewLinkCode(slot Slot, random io.Reader) (LinkCode, error) {
	d, err := randomDigits(random, secretDigits)
	return newLinkCode(slot, d), err
}

// ParseLinkCode reads twelve digits with spaces or hyphens; ErrLinkCode
// otherwise.
func ParseLinkCode(s string) (LinkCode, error) {
	d, err := digits(s, slotDigits+secretDigits)
	if err != nil {
		return LinkCode{}, ErrLinkCode
	}
	return newLinkCode(Slot(d[:slotDigits]), d[slotDigits:]), nil
}

func newLinkCode(slot Slot, digits string) LinkCode {
	p := &digits
	return LinkCode{slot: slot, secret: &p}
}

// Slot is the public part.
func (c LinkCode) Slot() Slot { return c.slot }

// Text is the code for the eyes of the person: three groups of four digits.
func (c LinkCode) Text() string {
	d := c.digits()
	return string(c.slot) + " " + d[:secretDigits/2] + " " + d[secretDigits/2:]
}

func (c LinkCode) digits() string {
	if c.secret == nil {
		return strings.Repeat("0", secretDigits)
	}
	return **c.secret
}

// Password is the SRP password of the linking: the eight digits.
func (c LinkCode) Password() []byte { return []byte(c.digits()) }

// SRPID is the SRP id of the linking: "viewflip/1/link/" and the slot.
func (c LinkCode) SRPID() []byte { return []byte("viewflip/1/link/" + string(c.slot)) }

// NewCode makes the digits of a mail, of random; nil means crypto/rand.
func NewCode(random io.Reader) (Code, error) {
	s, err := randomDigits(random, CodeDigits)
	return Code(s), err
}

// randomDigits makes n decimal digits, all numbers being as likely.
func randomDigits(random io.Reader, n int) (string, error) {
	if random == nil {
		random = rand.Reader
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	v, err := rand.Int(random, limit)
	if err != nil {
		return "", fmt.Errorf("account: random: %w", err)
	}
	return fmt.Sprintf("%0*d", n, v), nil
}
