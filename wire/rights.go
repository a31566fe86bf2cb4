package wire

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// Rights is what one person may do with one share.
type Rights uint8

// The rights. Unknown bits are malformed. Paste and copy work only together
// with control: they are gestures of their keyboard.
const (
	RightSee     Rights = 1 << iota
	RightPoint          // show where they point, and draw
	RightControl        // mouse and keys
	RightPaste          // their clipboard into the window, on a paste gesture
	RightCopy           // what they copy in the window, out of it

	allRights = RightSee | RightPoint | RightControl | RightPaste | RightCopy

	// RightsQuiet is what cannot change anything: the default of a share, and
	// what taking back leaves.
	RightsQuiet = RightSee | RightPoint

	rightCount = 5
)

var rightNames = [rightCount]string{"see", "point", "control", "paste", "copy"} //nolint:gochecknoglobals // a constant table

// Each calls f with every single right in r, see first.
func (r Rights) Each(f func(Rights)) {
	for i := range rightCount {
		if bit := Rights(1) << i; r&bit != 0 {
			f(bit)
		}
	}
}

// String lists the rights, "see+point" for example.
func (r Rights) String() string {
	var s []string
	for i, n := range rightNames {
		if r>>i&1 != 0 {
			s = append(s, n)
		}
	}
	if len(s) == 0 {
		return "nothing"
	}
	return strings.Join(s, "+")
}

// ParseRights reads a list such as "point" or "control+paste". Everything
// contains see; control contains point; paste and copy contain control.
func ParseRights(s string) (Rights, error) {
	r := RightSee
	for name := range strings.SplitSeq(s, "+") {
		i := slices.Index(rightNames[:], name)
		if i < 0 {
			return 0, fmt.Errorf("%w: %q is none of see, point, control, paste, copy", ErrMalformed, name)
		}
		r |= 1 << i
	}
	return r.Complete(), nil
}

// Complete adds what the rights in r are no use without.
func (r Rights) Complete() Rights {
	if r&(RightPaste|RightCopy) != 0 {
		r |= RightControl
	}
	if r&RightControl != 0 {
		r |= RightPoint
	}
	return r | RightSee
}

// Term is how long a right lasts.
type Term uint8

// The terms.
const (
	// UntilStopped lasts until it is taken back or the share ends.
	UntilStopped Term = iota
	// Timed lasts for [TimedFor].
	Timed
	// Once lasts for one use: one viewing for see and point, one turn for
	// control (until it is given back, the view is left, the connection is
	// interrupted or nothing was sent for [OnceIdle]), one gesture for paste
	// and copy.
	Once
)

// How long the terms last.
const (
	TimedFor = 15 * time.Minute
	OnceIdle = time.Minute
)

// String names the term for people.
func (t Term) String() string {
	switch t {
	case Timed:
		return "15 minutes"
	case Once:
		return "once"
	default:
		return "until stopped"
	}
}

// End is when a right ends. Left is what is left of a Timed one when the
// message was sent, in whole seconds on the wire; zero else.
type End struct {
	Term Term
	Left time.Duration
}

// Ends holds the end of every right, in the order of the bits. Rights that are
// not held have a zero End.
type Ends [rightCount]End

// Of returns the end of a single right.
func (e Ends) Of(r Rights) End { return e[bits.TrailingZeros8(uint8(r))%rightCount] }

// Set gives every right in r this end.
func (e *Ends) Set(r Rights, end End) {
	r.Each(func(bit Rights) { e[bits.TrailingZeros8(uint8(bit))] = end })
}

const maxLeft = 24 * time.Hour

func appendEnds(b []byte, e Ends) []byte {
	for _, x := range e {
		left := min(max(x.Left, 0), maxLeft)
		b = binary.BigEndian.AppendUint32(append(b, byte(x.Term)), uint32((left+time.Second-1)/time.Second))
	}
	return b
}

func (r *reader) ends(held Rights) (e Ends) {
	for i := range e {
		e[i] = End{Term: Term(r.u8()), Left: time.Duration(r.u32()) * time.Second}
		x := e[i]
		r.bad = r.bad || x.Term > Once || x.Left > maxLeft || x.Term != Timed && x.Left != 0 || held>>i&1 == 0 && x != End{}
	}
	return e
}

// Reason is why the sharer's gate refused an input. Zero means allowed.
type Reason uint8

// The reasons.
const (
	NoRight Reason = iota + 1
	Hidden
	Stale
	OutOfBounds
	Covered
	NotFocused
	KeyDenied
	KeyOwned
	HostBusy
	Locked
	RateLimited
	Failed
	ClipTooLarge
	Masked
	Theirs
)

var reasonText = [...]string{ //nolint:gochecknoglobals // a constant table
	"allowed", "you do not have control", "the window is hidden", "the window has just changed",
	"outside the window", "another window covers this spot", "click into the window first",
	"this key is not allowed", "this key belongs to their system", "they are using their mouse or keyboard",
	"their screen is locked or busy", "too fast", "it did not work on their side",
	"more than 8 MiB cannot be copied", "they have not shown the open dialog",
	"only they move it or open its menu",
}

// Valid reports whether r is a known refusal.
func (r Reason) Valid() bool { return r > 0 && int(r) < len(reasonText) }

// String is a few words for the person whose input was refused.
func (r Reason) String() string {
	if int(r) < len(reasonText) {
		return reasonText[r]
	}
	return "refused"
}
