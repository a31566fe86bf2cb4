package ui

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// sentence turns an error whose text is written for people into what they
// see: without the package's name, with a capital letter.
func sentence(err error) string {
	if err == nil {
		return ""
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "It took too long. Check the network and try again."
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	for _, p := range []string{"session: ", "wire: ", "capture: ", "platform: ", "service: ", "client: ", "rtc: ", "ui: "} {
		first = strings.TrimPrefix(first, p)
		first = strings.ReplaceAll(first, ": "+p, ": ")
	}
	if first == "" {
		return "It did not work."
	}
	first = strings.ToUpper(first[:1]) + first[1:]
	if !strings.HasSuffix(first, ".") {
		first += "."
	}
	return first
}

// linkSentence judges what was typed as a link: what is wrong with it, or "".
func linkSentence(s string) (wire.Link, string) {
	s = strings.TrimSpace(s)
	if s == "" {
		return wire.Link{}, ""
	}
	l, err := wire.ParseLink(s)
	if err != nil {
		return wire.Link{}, sentence(err)
	}
	return l, ""
}

func nameOf(name string) string {
	if name = strings.TrimSpace(name); name != "" {
		return name
	}
	return "Someone"
}

// people counts people in words.
func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

// windows counts windows in words.
func windows(n int) string {
	if n == 1 {
		return "1 window"
	}
	return fmt.Sprintf("%d windows", n)
}

// callSentence is the headline of a call.
func callSentence(st session.State) string {
	connected := 0
	for _, m := range st.Members {
		if m.Link == session.Connected {
			connected++
		}
	}
	switch {
	case len(st.Members) == 0 && len(st.Shares) > 0:
		return "Waiting for somebody to open your link"
	case len(st.Members) == 0:
		return "You are alone in this call"
	case connected == 0:
		return "Connecting…"
	case connected == 1:
		for _, m := range st.Members {
			if m.Link == session.Connected {
				return "In a call with " + nameOf(m.Name)
			}
		}
	}
	return "In a call with " + people(connected)
}

// shareSentence is the state of one of our shares.
func shareSentence(s session.Share) string {
	var parts []string
	watching := 0
	for _, v := range s.Viewers {
		if v.Watching {
			watching++
		}
	}
	switch watching {
	case 0:
		parts = append(parts, "nobody is watching")
	default:
		parts = append(parts, people(watching)+" watching")
	}
	if s.Hidden {
		parts = append(parts, "minimised: the others see its last picture")
	}
	if s.TooLarge {
		parts = append(parts, fmt.Sprintf("too large to be sent (%d × %d pixels): the others see its last picture until it is smaller", s.W, s.H))
	}
	text := strings.Join(parts, " · ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// standingOf says why a member's identity is believed.
func standingOf(s session.Standing) string {
	switch s {
	case session.Introduced:
		return "Someone you never met"
	case session.Compared:
		return "Verified contact"
	case session.Uncompared:
		return "Contact, not verified yet"
	case session.ByLink: // said below
	}
	return "Verified by link"
}

// personSentence is the state of another person.
func personSentence(m session.Member) string {
	switch m.Link {
	case session.Connected:
		return standingOf(m.Standing)
	case session.Interrupted:
		return "Interrupted, trying again…"
	default:
		return "Connecting…"
	}
}

// rightsWord says what a request is for.
func rightsWord(r wire.Rights) string {
	switch s := verbs(r, "control", "paste into", "copy out of"); {
	case s != "":
		return s
	case r&wire.RightPoint != 0:
		return "point into"
	default:
		return "see"
	}
}

// verbs joins the words for those of three rights that are in r.
func verbs(r wire.Rights, control, paste, copied string) string {
	var words []string
	for _, w := range []struct {
		bit  wire.Rights
		word string
	}{{wire.RightControl, control}, {wire.RightPaste, paste}, {wire.RightCopy, copied}} {
		if r&w.bit != 0 {
			words = append(words, w.word)
		}
	}
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
