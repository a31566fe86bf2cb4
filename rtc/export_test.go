package rtc

import (
	"net"

	"github.com/pion/webrtc/v4"
)

// Channel gives a hostile test the bare channel of this label.
func (p *Peer) Channel(lossy bool) *webrtc.DataChannel {
	p.mu.Lock()
	defer p.mu.Unlock()
	if lossy {
		return p.motion
	}
	return p.control
}

// Connection gives it the bare connection.
func (p *Peer) Connection() *webrtc.PeerConnection { return p.pc }

// NackLimit is how often one packet is asked for.
const NackLimit = nackLimit

// Path tells which candidates are in use.
func Path(p *Peer) string {
	pair, err := p.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return "none"
	}
	return pair.String()
}

// KindOfNAT is kind.
func KindOfNAT(port int, own map[string]bool, seen []*net.UDPAddr) NAT { return kind(port, own, seen) }
