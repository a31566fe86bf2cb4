package peer

import (
	"sync"

	"viewflip.app/rtc"
)

// Traffic counts what the connections of this process carry. The zero Traffic is
// ready; its methods may be called from any goroutine.
type Traffic struct {
	mu    sync.Mutex
	peers map[*rtc.Peer]rtc.Traffic // as last seen: one that is closed cannot tell
	past  rtc.Traffic               // of connections that are over
}

func (t *Traffic) add(p *rtc.Peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.peers == nil {
		t.peers = map[*rtc.Peer]rtc.Traffic{}
	}
	t.peers[p] = rtc.Traffic{}
}

func (t *Traffic) remove(p *rtc.Peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.past = plus(t.past, t.peers[p])
	delete(t.peers, p)
}

func plus(a, b rtc.Traffic) rtc.Traffic {
	return rtc.Traffic{Sent: a.Sent + b.Sent, Received: a.Received + b.Received}
}

// Total is that of all connections, those that are over included.
func (t *Traffic) Total() rtc.Traffic {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.past
	for p := range t.peers {
		if n := p.Traffic(); n != (rtc.Traffic{}) {
			t.peers[p] = n
		}
		all = plus(all, t.peers[p])
	}
	return all
}
