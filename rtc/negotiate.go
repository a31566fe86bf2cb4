package rtc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pion/webrtc/v4"

	"viewflip.app/wire"
)

const (
	labelControl = "control"
	labelMotion  = "motion"
)

// serve is the one goroutine in which everything about the connection is
// decided. Pion's callbacks only put things into channels.
func (p *Peer) serve(ctx context.Context) error {
	p.hook(ctx)
	signals := make(chan wire.Signal)
	failed := make(chan error, 2)
	p.wg.Go(func() { p.receive(ctx, signals, failed) })
	p.wg.Go(func() { p.transmit(ctx, failed) })
	if err := p.firstServers(ctx); err != nil {
		return err
	}
	n := &negotiation{p: p}
	if p.o.Offerer {
		if err := p.openChannels(ctx); err != nil {
			return err
		}
		if err := n.offer(ctx, false); err != nil {
			return err
		}
	}
	l := &life{p: p, n: n, interrupted: time.Now(), retry: time.NewTimer(restartPause)}
	defer l.retry.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err = <-failed:
		case err = <-p.broken:
			err = p.reason(err)
		case s := <-signals:
			err = n.signal(ctx, s)
		case s := <-p.servers:
			err = p.use(s)
		case c := <-p.cands:
			err = n.candidate(ctx, c)
		case <-p.renew:
			err = n.again(ctx, false)
		case <-p.opened:
			l.channels++
		case <-l.retry.C:
			err = l.again(ctx)
		case s := <-p.changes:
			err = l.changed(ctx, s)
		}
		if err == nil {
			err = l.complete()
		}
		if err != nil {
			return err
		}
	}
}

// receive takes what the other end says from the service until that fails.
func (p *Peer) receive(ctx context.Context, signals chan<- wire.Signal, failed chan<- error) {
	for {
		s, err := p.sig.Recv(ctx)
		if err != nil {
			failed <- err
			return
		}
		select {
		case signals <- s:
		case <-ctx.Done():
			return
		}
	}
}

// transmit gives the service what we say to the other end. The service may be away
// just when the network changes, and nothing else waits for it.
func (p *Peer) transmit(ctx context.Context, failed chan<- error) {
	for {
		select {
		case s := <-p.signals:
			if err := p.sig.Send(ctx, s); err != nil {
				failed <- err
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// life is how far a connection has come. It belongs to serve.
//
//	        connected                 both channels open, certified
//	new ---------------> up --------------------------------------> complete
//	 |                   ^ |
//	 | failed, or        | | disconnected, failed
//	 | giveUp passed     | v
//	 v        connected  | interrupted: ICE starts again, every restartPause
//	ErrFailed <----------+---- giveUp passed
type life struct {
	p *Peer
	n *negotiation
	// channels is how many data channels are open, up whether ICE and DTLS were
	// connected once.
	channels int
	up       bool
	// interrupted is since when there is no connection; zero while there is one.
	interrupted time.Time
	retry       *time.Timer
}

// changed follows the state of Pion's connection.
func (l *life) changed(ctx context.Context, s webrtc.PeerConnectionState) error {
	p := l.p
	switch s {
	case webrtc.PeerConnectionStateConnected:
		l.up, l.interrupted = true, time.Time{}
		p.interrupted.Store(false)
		if p.isConnected() {
			p.tell(StateConnected)
		}
	case webrtc.PeerConnectionStateDisconnected, webrtc.PeerConnectionStateFailed:
		if s == webrtc.PeerConnectionStateFailed && !l.up {
			return ErrFailed
		}
		if l.interrupted.IsZero() {
			l.interrupted = time.Now()
		}
		p.interrupted.Store(true)
		if p.isConnected() {
			p.tell(StateInterrupted)
		}
		l.retry.Reset(restartPause)
		return l.n.again(ctx, true)
	case webrtc.PeerConnectionStateClosed:
		return ErrClosed
	default: // on its way
	}
	return nil
}

// again starts ICE once more while the connection is interrupted, or gives it up.
func (l *life) again(ctx context.Context) error {
	if l.interrupted.IsZero() {
		return nil
	}
	if time.Since(l.interrupted) >= giveUp {
		return ErrFailed
	}
	l.retry.Reset(restartPause)
	if !l.up {
		return nil
	}
	return l.n.again(ctx, true)
}

// complete tells of the connection when it is there for the first time: both
// channels are open, and the other end has the certificate that it said.
func (l *life) complete() error {
	p := l.p
	if !l.up || l.channels != 2 || p.isConnected() {
		return nil
	}
	if !p.certified() {
		return ErrFingerprint
	}
	close(p.connected)
	p.tell(StateConnected)
	return nil
}

// reason returns why a channel closed, if that is known.
func (p *Peer) reason(err error) error {
	for t := time.After(reasonTime); errors.Is(err, ErrClosed); {
		select {
		case err = <-p.broken:
		case <-t:
			return err
		}
	}
	return err
}

func (p *Peer) isConnected() bool {
	select {
	case <-p.connected:
		return true
	default:
		return false
	}
}

// hook leads Pion's callbacks into channels.
func (p *Peer) hook(ctx context.Context) {
	p.pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			return
		}
		select {
		case p.cands <- c.ToJSON():
		case <-ctx.Done():
		}
	})
	p.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		select {
		case p.changes <- s:
		case <-ctx.Done():
		}
	})
	p.pc.OnDataChannel(func(dc *webrtc.DataChannel) { p.channel(ctx, dc) })
	p.pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { p.arrived(ctx, t) })
}

func (p *Peer) openChannels(ctx context.Context) error {
	no, none := false, uint16(0)
	for label, init := range map[string]*webrtc.DataChannelInit{
		labelControl: nil, labelMotion: {Ordered: &no, MaxRetransmits: &none},
	} {
		dc, err := p.pc.CreateDataChannel(label, init)
		if err != nil {
			return fmt.Errorf("rtc: channel: %w", err)
		}
		p.channel(ctx, dc)
	}
	return nil
}

// channel takes one of the two channels; any other is closed.
func (p *Peer) channel(ctx context.Context, dc *webrtc.DataChannel) {
	lossy := dc.Label() == labelMotion
	p.mu.Lock()
	place := &p.control
	if lossy {
		place = &p.motion
	}
	taken := *place != nil
	if !taken && (lossy || dc.Label() == labelControl) {
		*place = dc
	}
	p.mu.Unlock()
	if taken || !lossy && dc.Label() != labelControl {
		_ = dc.Close()
		return
	}
	dc.OnOpen(func() {
		select {
		case p.opened <- struct{}{}:
		case <-ctx.Done():
		}
	})
	dc.OnClose(func() { p.end(fmt.Errorf("%w: the other end closed a channel", ErrClosed)) })
	dc.OnError(func(err error) {
		if errors.Is(err, io.ErrShortBuffer) {
			p.end(ErrTooLarge)
		}
	})
	dc.OnMessage(func(m webrtc.DataChannelMessage) {
		if len(m.Data) > MaxMessage {
			p.end(ErrTooLarge)
			return
		}
		msg := Message{Data: m.Data, Lossy: lossy}
		if lossy {
			select {
			case p.in <- msg:
			default: // the next one is newer
			}
			return
		}
		select {
		case p.in <- msg:
		case <-ctx.Done():
		}
	})
}

// negotiation is the state of offers and answers. Only the offerer offers, so
// two offers never cross.
type negotiation struct {
	p       *Peer
	early   []webrtc.ICECandidateInit // came before the description they belong to
	waiting bool                      // an offer is unanswered
	next    bool                      // offer again when it is answered
	restart bool
	at      time.Time // of the last restart
	asked   int       // lines asked for since the last offer
	// places are where packets go because of the other end's candidates, in the
	// ICE session of its description.
	places  map[string]bool
	session string
	// needed is when the other end was asked for an offer that has not come; zero
	// if none is missing.
	needed time.Time
}

// send hands a signal on without waiting for the service.
func (n *negotiation) send(ctx context.Context, s wire.Signal) error {
	select {
	case n.p.signals <- s:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *negotiation) offer(ctx context.Context, restart bool) error {
	d, err := n.p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	if err != nil {
		return fmt.Errorf("rtc: offer: %w", err)
	}
	if err := n.p.pc.SetLocalDescription(d); err != nil {
		return fmt.Errorf("rtc: offer: %w", err)
	}
	fp, err := wire.FingerprintOf(d.SDP)
	if err != nil {
		return err
	}
	n.waiting = true
	if restart {
		n.at = time.Now()
	}
	return n.send(ctx, wire.Offer{SDP: d.SDP, Fingerprint: fp})
}

// again negotiates anew: the offerer offers, the answerer asks for an offer.
func (n *negotiation) again(ctx context.Context, restart bool) error {
	if !n.p.o.Offerer {
		return n.need(ctx, restart)
	}
	if n.waiting {
		n.next, n.restart = true, n.restart || restart
		return nil
	}
	return n.offer(ctx, restart)
}

// need asks for an offer. What is needed while one is on its way is asked for
// when that has come, all of it at once; only a restart cannot wait.
func (n *negotiation) need(ctx context.Context, restart bool) error {
	if wait := needPause - time.Since(n.needed); !restart && wait > 0 {
		if !n.next {
			n.next = true
			time.AfterFunc(wait, n.p.negotiate) // if none comes
		}
		return nil
	}
	n.needed, n.next = time.Now(), false
	lines := n.lines()
	n.asked += lines
	return n.send(ctx, wire.NeedMedia{Lines: uint8(lines), Restart: restart})
}

// lines is how many tracks of ours have no line to be sent on, and none on its
// way. A track takes the line of one that was removed, if there is any.
func (n *negotiation) lines() int {
	without := 0
	for _, t := range n.p.pc.GetTransceivers() {
		if t.Mid() == "" {
			without++
		}
	}
	return min(max(0, without-n.asked), maxLines)
}

func (n *negotiation) candidate(ctx context.Context, c webrtc.ICECandidateInit) error {
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("rtc: candidate: %w", err)
	}
	return n.send(ctx, wire.Candidate{Line: string(b)})
}

func (n *negotiation) signal(ctx context.Context, s wire.Signal) error {
	switch s := s.(type) {
	case wire.Offer:
		return n.offered(ctx, s)
	case wire.Answer:
		return n.answered(ctx, s)
	case wire.Candidate:
		return n.trickled(s)
	case wire.NeedMedia:
		return n.needMedia(ctx, s)
	default:
		return nil
	}
}

// offered answers an offer.
func (n *negotiation) offered(ctx context.Context, s wire.Offer) error {
	if n.p.o.Offerer {
		return fmt.Errorf("rtc: both ends offer")
	}
	if err := n.remote(webrtc.SDPTypeOffer, s.SDP, s.Fingerprint); err != nil {
		return err
	}
	n.asked = 0
	d, err := n.p.pc.CreateAnswer(nil)
	if err != nil {
		return fmt.Errorf("rtc: answer: %w", err)
	}
	if err := n.p.pc.SetLocalDescription(d); err != nil {
		return fmt.Errorf("rtc: answer: %w", err)
	}
	fp, err := wire.FingerprintOf(d.SDP)
	if err != nil {
		return err
	}
	if err := n.send(ctx, wire.Answer{SDP: d.SDP, Fingerprint: fp}); err != nil {
		return err
	}
	n.needed = time.Time{}
	if n.next {
		n.next = false
		return n.need(ctx, false)
	}
	return nil
}

// answered takes the answer to the offer that waits for one, and makes the next
// offer if there is a reason by now.
func (n *negotiation) answered(ctx context.Context, s wire.Answer) error {
	if !n.waiting {
		return nil // of an offer that is over
	}
	if err := n.remote(webrtc.SDPTypeAnswer, s.SDP, s.Fingerprint); err != nil {
		return err
	}
	n.waiting = false
	if n.next {
		restart := n.restart
		n.next, n.restart = false, false
		return n.offer(ctx, restart)
	}
	return nil
}

// needMedia offers the lines that the other end, which may not offer, wants to send
// on, within what one connection may have.
func (n *negotiation) needMedia(ctx context.Context, s wire.NeedMedia) error {
	if !n.p.o.Offerer {
		return nil
	}
	if len(n.p.pc.GetTransceivers())+int(s.Lines) > maxLines {
		return ErrTooManyTracks
	}
	for range s.Lines {
		_, err := n.p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		if err != nil {
			return fmt.Errorf("rtc: line: %w", err)
		}
	}
	if s.Restart && s.Lines == 0 && time.Since(n.at) < restartPause/2 {
		return nil // both ends noticed
	}
	return n.again(ctx, s.Restart)
}

// add ignores a candidate that does not parse or resolve: others may work.
func (n *negotiation) add(c webrtc.ICECandidateInit) {
	if err := n.p.pc.AddICECandidate(c); err != nil {
		n.p.log.Debug("candidate not used", "err", err)
	}
}

// remote takes the other end's description if its fingerprint is the signed
// one, and the same as ever.
func (n *negotiation) remote(t webrtc.SDPType, sdp string, signed [32]byte) error {
	fp, err := wire.FingerprintOf(sdp)
	if err != nil || fp != signed {
		return ErrFingerprint
	}
	n.p.mu.Lock()
	changed := n.p.known && n.p.remote != fp
	n.p.remote, n.p.known = fp, true
	n.p.mu.Unlock()
	if changed {
		return ErrFingerprint
	}
	if sdp, err = n.described(sdp); err != nil {
		return err
	}
	if err := n.p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: t, SDP: sdp}); err != nil {
		return fmt.Errorf("rtc: description: %w", err)
	}
	for _, c := range n.early {
		n.add(c)
	}
	n.early = nil
	return nil
}
