package bus

import (
	"errors"
	"fmt"
)

// ErrSubject means that a name is not one that subjects are made from.
var ErrSubject = errors.New("bus: not a name")

const (
	prefix  = "viewflip."
	maxKind = 16
	// idText and addressText are the lengths of 16 and 32 bytes in base32.
	idText, addressText = 26, 52
)

// Subject is where messages go: a kind, and usually one thing of that kind. Only
// To and All make one. Comparable; the zero value is no subject.
type Subject struct{ name string }

// String is the subject's text in NATS, for tests.
func (s Subject) String() string { return s.name }

// To is the subject of one thing: kind is 1 to 16 letters a-z, id the base32 text
// of 16 bytes, [a-z0-9]{26}, or of an address of 32 bytes, [a-z0-9]{52}. Anything
// else, a wildcard above all, is ErrSubject.
func To(kind, id string) (Subject, error) {
	if len(id) != idText && len(id) != addressText || !only(id, true) {
		return Subject{}, fmt.Errorf("%w: an id", ErrSubject)
	}
	s, err := All(kind)
	if err != nil {
		return Subject{}, err
	}
	return Subject{s.name + "." + id}, nil
}

// All is the subject of a kind as such, of what every node must hear.
func All(kind string) (Subject, error) {
	if len(kind) == 0 || len(kind) > maxKind || !only(kind, false) {
		return Subject{}, fmt.Errorf("%w: a kind", ErrSubject)
	}
	return Subject{prefix + kind}, nil
}

func only(s string, digits bool) bool {
	for _, r := range []byte(s) {
		if (r < 'a' || r > 'z') && (!digits || r < '0' || r > '9') {
			return false
		}
	}
	return true
}
