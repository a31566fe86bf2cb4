package rtc

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"viewflip.app/wire"
)

const (
	// maxCandidates bounds the addresses and ports that the other end may name in
	// one ICE session: this end sends packets to each of them.
	maxCandidates = 64
	// maxSections bounds the m-lines of a description: the pictures, and the
	// channels.
	maxSections = maxLines + 1
	// needPause is how long the answerer waits for the offer that it asked for,
	// before it asks again.
	needPause = 2 * time.Second

	candidateLine = "a=candidate:"
	sessionLine   = "a=ice-ufrag:"
	sectionLine   = "m="
)

// reach is where packets go because of a candidate (RFC 8839, section 5.1),
// false if its address is none. A name would be looked up, by multicast for
// *.local, wherever whoever sent it likes; our own candidates have none.
func reach(candidate string) (string, bool) {
	f := strings.Fields(candidate)
	if len(f) < 6 {
		return "", false
	}
	a, err := netip.ParseAddr(f[4])
	return strings.ToLower(f[2]) + " " + a.String() + " " + f[5], err == nil && a.Zone() == ""
}

// use reports whether a candidate of the other end may be used: those of one
// ICE session (RFC 8445) lead to maxCandidates places.
func (n *negotiation) use(candidate string) bool {
	to, ok := reach(candidate)
	switch {
	case !ok:
		return false
	case n.places[to]:
		return true // descriptions repeat what was said before
	case len(n.places) == maxCandidates:
		return false
	}
	if n.places == nil {
		n.places = map[string]bool{}
	}
	n.places[to] = true
	return true
}

// described returns a description without the candidates that are not used.
func (n *negotiation) described(sdp string) (string, error) {
	sections, session := 0, ""
	for line := range strings.Lines(sdp) {
		if strings.HasPrefix(line, sectionLine) {
			sections++
		}
		if s, ok := strings.CutPrefix(line, sessionLine); ok && session == "" {
			session = s
		}
	}
	if sections > maxSections {
		return "", ErrTooManyTracks
	}
	if n.session != "" && n.session != session {
		n.places = nil
	}
	n.session = session
	var b strings.Builder
	b.Grow(len(sdp))
	for line := range strings.Lines(sdp) {
		if !strings.HasPrefix(line, candidateLine) || n.use(strings.TrimPrefix(line, "a=")) {
			b.WriteString(line)
		}
	}
	return b.String(), nil
}

// trickled takes a candidate that follows a description, or comes before it.
// One that cannot be used is ignored: others may work.
func (n *negotiation) trickled(s wire.Candidate) error {
	var c webrtc.ICECandidateInit
	if err := json.Unmarshal([]byte(s.Line), &c); err != nil {
		return fmt.Errorf("rtc: candidate: %w", err)
	}
	switch {
	case c.Candidate == "": // there are no more
	case !n.use(c.Candidate):
		n.p.log.Debug("candidate not used")
	case n.p.pc.RemoteDescription() != nil:
		n.add(c)
	case len(n.early) < maxCandidates:
		n.early = append(n.early, c)
	}
	return nil
}
