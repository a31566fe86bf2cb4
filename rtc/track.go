package rtc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
)

const (
	// maxPayload of one RTP packet: an MTU of 1200 less RTP, SRTP and a margin.
	maxPayload = 1150
	// tailAgain is when the last packet of a burst is repeated if nothing
	// followed: its loss would go unnoticed. And so would the loss of that one:
	// tailMore times it is repeated again, each after tailGrowth times as long.
	tailAgain            = 10 * time.Millisecond
	tailMore, tailGrowth = 3, 8
	// paceBurst packets are sent at once; then paceRest gives the receiver's
	// system, which keeps no more than about 90, time to hand them over.
	paceBurst = 32
	paceRest  = 250 * time.Microsecond
	// refreshPause limits refresh requests.
	refreshPause = 500 * time.Millisecond
	// startBit marks the first packet of a frame in the tile payload's
	// descriptor byte; the other bits are zero in this version.
	startBit = 0x80
)

// OutTrack is a picture stream to the peer.
type OutTrack struct {
	p       *Peer
	id      string
	sender  *webrtc.RTPSender
	ready   chan struct{}
	refresh chan struct{}
	once    sync.Once

	mu    sync.Mutex
	codec webrtc.RTPCodecParameters
	ssrc  webrtc.SSRC
	out   webrtc.TrackLocalWriter
	pace  *bucket
	vp9   codecs.VP9Payloader
	seq   uint16
	last  uint32
	start time.Time
	tail  *time.Timer
	stats TrackStats
}

// TrackStats counts what went over an OutTrack and what the other end said to
// it.
type TrackStats struct {
	// Frames and Packets were sent once; Repeated are tails sent again.
	Frames, Packets, Repeated uint64
	// Nacked are the packets that the other end asked for again (RFC 4585,
	// section 6.2.1), each time counted.
	Nacked uint64
	// Refreshes are its requests for a picture that stands alone.
	Refreshes uint64
}

// Stats returns the counts up to now.
func (t *OutTrack) Stats() TrackStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stats
}

// local is the side of an OutTrack that Pion sees.
type local struct{ t *OutTrack }

func (l local) ID() string                { return l.t.id }
func (l local) RID() string               { return "" }
func (l local) StreamID() string          { return l.t.id }
func (l local) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeVideo }

// Bind takes the first codec of our preference that the peer accepts.
func (l local) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	t := l.t
	for _, want := range t.p.o.Codecs {
		for _, have := range c.CodecParameters() {
			if !strings.EqualFold(have.MimeType, want.MimeType) {
				continue
			}
			t.mu.Lock()
			t.codec, t.ssrc, t.out = have, c.SSRC(), c.WriteStream()
			t.pace = t.p.pacer.of(uint32(t.ssrc))
			t.mu.Unlock()
			t.once.Do(func() { close(t.ready) })
			return have, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

func (l local) Unbind(webrtc.TrackLocalContext) error {
	l.t.mu.Lock()
	l.t.out = nil
	l.t.mu.Unlock()
	return nil
}

// AddTrack adds a picture stream and starts to negotiate it. ctx bounds nothing
// but this call. It returns ErrTooManyTracks beyond what two peers can agree on.
func (p *Peer) AddTrack(_ context.Context, id string) (*OutTrack, error) {
	if len(p.pc.GetSenders()) >= maxLines {
		return nil, ErrTooManyTracks
	}
	t := &OutTrack{p: p, id: id, ready: make(chan struct{}), refresh: make(chan struct{}, 1), start: time.Now()}
	sender, err := p.pc.AddTrack(local{t})
	if err != nil {
		return nil, fmt.Errorf("rtc: add track: %w", err)
	}
	t.sender = sender
	p.wg.Go(t.feedback)
	p.negotiate()
	return t, nil
}

func (p *Peer) negotiate() {
	select {
	case p.renew <- false:
	case <-p.done:
	}
}

// feedback waits for refresh requests until the sender stops.
func (t *OutTrack) feedback() {
	for {
		packets, _, err := t.sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, x := range packets {
			t.hear(x)
		}
	}
}

func (t *OutTrack) hear(x rtcp.Packet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch x := x.(type) {
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		t.stats.Refreshes++
		select {
		case t.refresh <- struct{}{}:
		default:
		}
	case *rtcp.TransportLayerNack:
		for _, pair := range x.Nacks {
			t.stats.Nacked += uint64(len(pair.PacketList()))
		}
	}
}

// Codec blocks until both ends agreed on one.
func (t *OutTrack) Codec(ctx context.Context) (Codec, error) {
	select {
	case <-t.ready:
		t.mu.Lock()
		defer t.mu.Unlock()
		return Codec{t.codec.MimeType}, nil
	case <-t.p.done:
		return Codec{}, ErrClosed
	case <-ctx.Done():
		return Codec{}, ctx.Err()
	}
}

// Refresh tells that the viewer needs a picture that stands alone.
func (t *OutTrack) Refresh() <-chan struct{} { return t.refresh }

// Pace limits what Write and the packets that are asked for again take, to rate
// bytes a second beyond bursts of so many bytes. A rate of 0, as at first, is
// without limit.
func (t *OutTrack) Pace(rate float64, burst int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pace != nil {
		t.pace.set(rate, burst)
	}
}

// Write sends one coded frame, as fast as Pace allows, and returns its RTP
// timestamp, which rises with every frame. When ctx ends the frame is left
// incomplete, and the track is of no use any more.
func (t *OutTrack) Write(ctx context.Context, frame []byte) (uint32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.out == nil {
		return 0, ErrClosed
	}
	ts := uint32(time.Since(t.start).Microseconds() * clockRate / 1e6)
	if int32(ts-t.last) <= 0 {
		ts = t.last + 1
	}
	t.last = ts
	var payloads [][]byte
	if strings.EqualFold(t.codec.MimeType, MimeTypeVP9) {
		payloads = t.vp9.Payload(maxPayload, frame)
	} else {
		payloads = split(frame)
	}
	var h rtp.Header
	for i, b := range payloads {
		if i > 0 && i%paceBurst == 0 {
			time.Sleep(paceRest)
		}
		if err := t.hold(ctx); err != nil {
			return 0, err
		}
		t.seq++
		h = rtp.Header{
			Version: 2, PayloadType: uint8(t.codec.PayloadType), SequenceNumber: t.seq,
			Timestamp: ts, SSRC: uint32(t.ssrc), Marker: i == len(payloads)-1,
		}
		if _, err := t.out.WriteRTP(&h, b); err != nil {
			return 0, fmt.Errorf("rtc: write: %w", err)
		}
	}
	t.stats.Frames++
	t.stats.Packets += uint64(len(payloads))
	if len(payloads) > 0 {
		t.repeat(h, payloads[len(payloads)-1])
	}
	return ts, nil
}

// hold waits until the next packet may go; t.mu is held, but not meanwhile.
func (t *OutTrack) hold(ctx context.Context) error {
	for d := t.pace.wait(time.Now()); d > 0; d = t.pace.wait(time.Now()) {
		t.mu.Unlock()
		select {
		case <-time.After(d):
		case <-ctx.Done():
		case <-t.p.done:
		}
		t.mu.Lock()
		if t.out == nil {
			return ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		select {
		case <-t.p.done:
			return ErrClosed
		default:
		}
	}
	return nil
}

// repeat sends the last packet again unless something follows soon.
func (t *OutTrack) repeat(h rtp.Header, b []byte) {
	if t.tail != nil {
		t.tail.Stop()
	}
	b = slices.Clone(b)
	n, pause := 0, tailAgain
	var again func()
	again = func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.out == nil || t.seq != h.SequenceNumber {
			return
		}
		_, _ = t.out.WriteRTP(&h, b) // it was sent once already
		t.stats.Repeated++
		if n++; n <= tailMore {
			pause *= tailGrowth
			t.tail = time.AfterFunc(pause, again)
		}
	}
	t.tail = time.AfterFunc(pause, again)
}

// split makes tile payloads: a descriptor byte and a part of the frame.
func split(frame []byte) [][]byte {
	var out [][]byte
	for first := byte(startBit); ; first = 0 {
		n := min(len(frame), maxPayload-1)
		out = append(out, append([]byte{first}, frame[:n]...))
		if frame = frame[n:]; len(frame) == 0 {
			return out
		}
	}
}

// Close removes the track from the connection.
func (t *OutTrack) Close() error {
	t.mu.Lock()
	if t.tail != nil {
		t.tail.Stop()
	}
	t.out = nil
	t.mu.Unlock()
	select {
	case <-t.p.done:
		return nil
	default:
	}
	if err := t.p.pc.RemoveTrack(t.sender); err != nil && !errors.Is(err, webrtc.ErrConnectionClosed) {
		return fmt.Errorf("rtc: remove track: %w", err)
	}
	t.p.negotiate()
	return nil
}

// Frame is one coded frame as it arrived: complete, in order.
type Frame struct {
	Data      []byte
	Timestamp uint32
	// Received is when its last missing packet came.
	Received time.Time
	// Lost means that frames before this one are missing for good.
	Lost bool

	losses int // how often frames were lost before it
}

// InTrack is a picture stream from the peer.
type InTrack struct {
	p      *Peer
	t      *webrtc.TrackRemote
	frames chan Frame
	ended  chan struct{}
	ask    chan struct{}

	mu     sync.Mutex
	needs  bool // a refresh is needed and has not come
	read   bool // the reader has a frame that they did not complain of
	losses int  // of the frame that they have
	lost   int  // losses up to now
}

// end ends the connection, for a reason that the other end gave.
func (p *Peer) end(err error) {
	select {
	case p.broken <- err:
	default: // it ends already
	}
}

// arrived starts to read a track.
func (p *Peer) arrived(ctx context.Context, r *webrtc.TrackRemote) {
	t := &InTrack{p: p, t: r, frames: make(chan Frame), ended: make(chan struct{}), ask: make(chan struct{}, 1)}
	select {
	case p.inTracks <- t:
		p.wg.Go(func() { defer close(t.ended); t.run(ctx) })
	default: // more than anybody could watch
	}
}

// AcceptTrack returns the next stream that the peer added.
func (p *Peer) AcceptTrack(ctx context.Context) (*InTrack, error) {
	select {
	case t := <-p.inTracks:
		return t, nil
	case <-p.done:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ID is the id that the sender gave to AddTrack.
func (t *InTrack) ID() string { return t.t.ID() }

// Codec is what it carries.
func (t *InTrack) Codec() Codec { return Codec{t.t.Codec().MimeType} }

// run reads packets and hands on frames until the track ends.
func (t *InTrack) run(ctx context.Context) {
	packets := make(chan *rtp.Packet, 256)
	t.p.wg.Go(func() { t.readPackets(ctx, packets) })
	r := &receiver{
		t: t, a: newAssembler(strings.EqualFold(t.t.Codec().MimeType, MimeTypeVP9)),
		gap: time.NewTimer(time.Hour), miss: time.NewTimer(time.Hour), again: time.NewTimer(time.Hour),
	}
	defer r.close()
	for r.step(ctx, packets) {
		r.settle(time.Now(), len(packets) == 0)
	}
}

// readPackets reads packets until the track ends, and closes packets then.
func (t *InTrack) readPackets(ctx context.Context, packets chan<- *rtp.Packet) {
	defer close(packets)
	for {
		pkt, _, err := t.t.ReadRTP()
		if err != nil {
			return
		}
		select {
		case packets <- pkt:
		case <-ctx.Done():
			return
		}
	}
}

// receiver puts the frames of a track together. It belongs to InTrack.run.
type receiver struct {
	t *InTrack
	a *assembler
	// gap goes off when a missing packet has been waited for long enough, miss when
	// it is to be asked for, which armed says is going to be, and again when a
	// picture that stands alone is.
	gap, miss, again *time.Timer
	armed            bool
	// asked is when a picture that stands alone was asked for last.
	asked time.Time
	// held is what was counted of a's bytes in Peer.held.
	held int
	// full says that so many frames wait for the reader that no packet is taken.
	full bool
}

func (r *receiver) close() {
	r.gap.Stop()
	r.miss.Stop()
	r.again.Stop()
	r.t.p.held.Add(int64(-r.held))
}

// step waits for one thing to happen; false when the track has ended. While the
// reader is busy, packets are put together nevertheless, and those that are missing
// asked for; but not without end.
func (r *receiver) step(ctx context.Context, packets <-chan *rtp.Packet) bool {
	in, out := packets, r.t.frames
	f, ok := r.a.ready()
	if !ok {
		out = nil
	}
	if r.full = len(r.a.out) >= maxReady; r.full {
		in = nil
	}
	select {
	case out <- f:
		r.a.take()
	case pkt, ok := <-in:
		if !ok {
			return false
		}
		before := r.a.waiting()
		r.a.push(pkt, time.Now())
		if r.a.waiting() && !before {
			r.a.trip(r.t.p.roundTrip())
		}
	case <-r.gap.C:
	case <-r.miss.C:
		r.armed = false
		r.t.requestMissing(r.a)
	case <-r.t.ask:
	case <-r.again.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// settle does what follows from a step: it gives up what is overdue, keeps the
// account of memory, and asks for what is missing. drained says that no packet waits.
func (r *receiver) settle(now time.Time, drained bool) {
	if !r.full && drained && r.a.overdue(now) {
		r.a.skip(now)
	}
	if r.t.p.held.Add(int64(r.a.held()-r.held)) > MaxHeld {
		r.t.p.end(ErrTooMuch)
	}
	r.held = r.a.held()
	r.t.missing(r.a.losses)
	if r.t.needing() {
		if now.Sub(r.asked) >= refreshPause {
			r.asked = now
			r.t.requestRefresh()
		}
		r.again.Reset(refreshPause - now.Sub(r.asked))
	}
	if r.a.waiting() {
		r.gap.Reset(r.a.patience)
		if !r.armed {
			r.armed = true
			r.miss.Reset(r.a.askIn())
		}
	}
}

// requestMissing asks for the packets that are missing (RFC 4585, 6.2.1).
func (t *InTrack) requestMissing(a *assembler) {
	pairs := rtcp.NackPairsFromSequenceNumbers(a.missing())
	for len(pairs) > 0 {
		n := min(len(pairs), maxNackPairs)
		err := t.p.pc.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: uint32(t.t.SSRC()), Nacks: pairs[:n]}})
		if err != nil {
			t.p.log.Debug("packets not requested", "err", err)
			return
		}
		pairs = pairs[n:]
	}
}

// Read returns the next frame. To read on without a RequestRefresh means that
// the frame before could be used.
func (t *InTrack) Read(ctx context.Context) (Frame, error) {
	t.mu.Lock()
	if t.read && t.losses == t.lost {
		t.needs = false
	}
	t.read = false
	t.mu.Unlock()
	select {
	case f := <-t.frames:
		t.mu.Lock()
		t.read, t.losses = true, f.losses
		t.mu.Unlock()
		return f, nil
	case <-t.ended:
		return Frame{}, ErrClosed
	case <-ctx.Done():
		return Frame{}, ctx.Err()
	}
}

// RequestRefresh tells that the frame that was read last is of no use. The
// sender is asked for a picture that stands alone (PLI, RFC 4585 section
// 6.3.1), at most twice a second, until a frame comes that is.
func (t *InTrack) RequestRefresh() {
	t.mu.Lock()
	t.needs, t.read = true, false
	t.mu.Unlock()
	select {
	case t.ask <- struct{}{}:
	default:
	}
}

// missing notes how often frames were lost for good.
func (t *InTrack) missing(losses int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.needs, t.lost = t.needs || losses != t.lost, losses
}

func (t *InTrack) needing() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.needs
}

func (t *InTrack) requestRefresh() {
	err := t.p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(t.t.SSRC())}})
	if err != nil {
		t.p.log.Debug("refresh not requested", "err", err)
	}
}

// roundTrip is that of the path in use, 0 if nobody knows.
func (p *Peer) roundTrip() time.Duration {
	pair, ok := p.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return 0
	}
	return time.Duration(pair.CurrentRoundTripTime * float64(time.Second))
}
