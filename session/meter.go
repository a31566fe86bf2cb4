package session

import (
	"context"
	"slices"
	"sync"
	"time"

	"viewflip.app/wire"
)

const (
	// meterSamples is how many of the latest times of a stage count.
	meterSamples = 128
	// warmUp is how many pictures of a view do not count: the whole window comes,
	// codecs are made and the viewer's window opens.
	warmUp = 4
	// meterRing is how many pictures and inputs on their way are remembered.
	meterRing = 64
	// echoPatience is how long the first picture after an input may take; a later
	// one has nothing to do with it.
	echoPatience = time.Second
	// reportEvery is the least time between two answers to one viewer.
	reportEvery = time.Second / 2
)

// Stage is a part of the way of a picture.
type Stage uint8

// The stages, in their order: pixels are read, wait until the viewer can take
// more, are compressed, travel (the first packet), arrive (until the last),
// are decoded, and shown. Input is not one of them: it is the way from an input
// here to the first picture here that was captured after it was carried out.
const (
	StageCapture Stage = iota
	StageWait
	StageEncode
	StageNetwork
	StageArrive
	StageDecode
	StagePresent
	StageInput
	stages
)

// String names the stage.
func (s Stage) String() string {
	return [...]string{"capture", "wait", "encode", "network", "arrive", "decode", "present", "input"}[s]
}

// Stages lists them in their order.
func Stages() []Stage {
	all := make([]Stage, stages)
	for i := range all {
		all[i] = Stage(i)
	}
	return all
}

// Latency is how long the latest pictures of a view took.
type Latency [stages]wire.Spread

// Sum adds up the stages from the pixels there to the pixels here. The sum of
// percentiles is not a percentile: the true P95 is lower.
func (l Latency) Sum() (sum wire.Spread) {
	for _, s := range l[:StageInput] {
		sum.P50 += s.P50
		sum.P95 += s.P95
	}
	return sum
}

// Known reports whether the sharer has told their part.
func (l Latency) Known() bool {
	return l[StageCapture] != wire.Spread{} || l[StageWait] != wire.Spread{} || l[StageEncode] != wire.Spread{} || l[StageNetwork] != wire.Spread{}
}

// samples are the latest times of a stage.
type samples struct {
	ring [meterSamples]time.Duration
	n    int
}

func (s *samples) add(d time.Duration) {
	s.ring[s.n%meterSamples] = max(d, 0)
	s.n++
}

func (s *samples) spread() wire.Spread {
	n := min(s.n, meterSamples)
	if n == 0 {
		return wire.Spread{}
	}
	sorted := slices.Clone(s.ring[:n])
	slices.Sort(sorted)
	return wire.Spread{P50: sorted[n/2], P95: sorted[n*95/100]}
}

// stamped is when something that has a number happened.
type stamped struct {
	id uint32
	at time.Time
}

// stampRing remembers the latest.
type stampRing struct {
	ring [meterRing]stamped
	n    int
}

func (r *stampRing) add(id uint32, at time.Time) {
	r.ring[r.n%meterRing] = stamped{id, at}
	r.n++
}

// find returns the oldest that is remembered and satisfies ok.
func (r *stampRing) find(ok func(id uint32) bool) (time.Time, bool) {
	for i := max(0, r.n-meterRing); i < r.n; i++ {
		if s := r.ring[i%meterRing]; ok(s.id) {
			return s.at, true
		}
	}
	return time.Time{}, false
}

// shot is how a picture came to be: when reading it began, and was done.
type shot struct{ captured, ready time.Time }

// sendMeter measures the pictures for one viewer on the sharer's machine.
type sendMeter struct {
	mu                             sync.Mutex
	capture, wait, encode, network samples
	sent                           stampRing
	input                          stamped // the oldest that no picture shows yet
	echoes                         []wire.Echo
	told                           time.Time
	pictures                       int
}

// coded notes a picture that was compressed from begin to end and is sent then
// under an RTP timestamp.
func (m *sendMeter) coded(s shot, timestamp uint32, begin, end time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pictures++; m.pictures > warmUp {
		m.capture.add(s.ready.Sub(s.captured))
		m.wait.add(begin.Sub(s.ready))
		m.encode.add(end.Sub(begin))
		m.sent.add(timestamp, end)
	}
	if m.input.id == 0 || !s.captured.After(m.input.at) {
		return
	}
	if end.Sub(m.input.at) < echoPatience {
		if len(m.echoes) == wire.MaxEchoes {
			m.echoes = m.echoes[1:]
		}
		m.echoes = append(m.echoes, wire.Echo{Seq: m.input.id, Timestamp: timestamp})
	}
	m.input = stamped{}
}

// acked notes that the viewer has shown a picture, which they held for a time.
func (m *sendMeter) acked(a wire.Ack, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.sent.find(func(id uint32) bool { return id == a.Timestamp })
	if ok {
		m.network.add((now.Sub(at) - time.Duration(a.Held)*time.Microsecond) / 2)
	}
}

// echoed reports whether an input is one that changes what is seen.
func echoed(in wire.Input) bool {
	return in.Kind == wire.Press || in.Kind == wire.Wheel || in.Kind == wire.Text || in.Kind == wire.KeyDown && !in.Repeat
}

// injected notes that an input was carried out.
func (m *sendMeter) injected(in wire.Input, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if echoed(in) && (m.input.id == 0 || now.Sub(m.input.at) >= echoPatience) {
		m.input = stamped{in.Seq, now}
	}
}

// report is what is known; false if it was asked for too often.
func (m *sendMeter) report(id wire.ShareID, now time.Time) (wire.Measured, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.told) < reportEvery {
		return wire.Measured{}, false
	}
	m.told = now
	r := wire.Measured{
		Share: id, Capture: m.capture.spread(), Wait: m.wait.spread(), Encode: m.encode.spread(),
		Network: m.network.spread(), Echoes: m.echoes,
	}
	m.echoes = nil
	return r, true
}

// viewMeter measures a view's pictures on the viewer's machine.
type viewMeter struct {
	mu                             sync.Mutex
	arrive, decode, present, input samples
	report                         wire.Measured
	sent, shown                    stampRing
	echoes                         []wire.Echo // whose pictures were not shown yet
	pictures                       int         // shown
}

// add notes a time of a picture that is not shown yet.
func (m *viewMeter) add(s *samples, d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pictures >= warmUp {
		s.add(d)
	}
}

// inputSent notes an input on its way.
func (m *viewMeter) inputSent(in wire.Input, now time.Time) {
	if echoed(in) {
		m.mu.Lock()
		m.sent.add(in.Seq, now)
		m.mu.Unlock()
	}
}

// pictureShown notes that a picture is visible.
func (m *viewMeter) pictureShown(u Update, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pictures++; m.pictures > warmUp {
		m.present.add(now.Sub(u.Decoded))
	}
	m.shown.add(u.Timestamp, now)
	m.match()
}

// reported takes the sharer's part.
func (m *viewMeter) reported(r wire.Measured) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.report = r
	m.echoes = append(m.echoes, r.Echoes...)
	m.echoes = m.echoes[max(0, len(m.echoes)-wire.MaxEchoes):]
	m.match()
}

// match finds inputs and the pictures that show what became of them; m.mu is
// held. A picture may have been passed over by a newer one.
func (m *viewMeter) match() {
	m.echoes = slices.DeleteFunc(m.echoes, func(e wire.Echo) bool {
		at, seen := m.shown.find(func(id uint32) bool { return int32(id-e.Timestamp) >= 0 })
		if !seen {
			return false
		}
		if begin, ok := m.sent.find(func(id uint32) bool { return id == e.Seq }); ok {
			m.input.add(at.Sub(begin))
		}
		return true
	})
}

func (m *viewMeter) latency() Latency {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.report
	return Latency{
		StageCapture: r.Capture, StageWait: r.Wait, StageEncode: r.Encode, StageNetwork: r.Network,
		StageArrive: m.arrive.spread(), StageDecode: m.decode.spread(), StagePresent: m.present.spread(),
		StageInput: m.input.spread(),
	}
}

// Latency is how long the pictures took; the sharer's part as of the last
// answer to Measure.
func (v *View) Latency() Latency { return v.meter.latency() }

// Measure asks the sharer for their part of Latency, once. Measured ticks when it
// has come; it may get lost.
func (v *View) Measure() { v.member.sendLossy(wire.Measure{Share: v.info.Share}) }

// Measured ticks when the sharer has answered Measure, until ctx ends.
func (v *View) Measured(ctx context.Context) <-chan struct{} { return v.measured.Listen(ctx) }

// Exact reports whether there is a picture and it is the window's, pixel for
// pixel: while a video plays, or on a slow link, parts of it are owed.
func (v *View) Exact() bool {
	v.pic.RLock()
	defer v.pic.RUnlock()
	return v.pic.frame != nil && v.pic.update.Exact
}

// Watching lists the views of this call that are watched now.
func (c *Call) Watching() []*View {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*View
	for _, m := range c.order {
		for _, v := range m.viewOrder {
			if v.watching && v.info.Ended == 0 {
				all = append(all, v)
			}
		}
	}
	return all
}

// measure answers a viewer's question, or takes the sharer's answer.
func (m *member) measure(msg wire.Message) {
	switch msg := msg.(type) {
	case wire.Measure:
		if o := m.outlet(msg.Share); o != nil {
			if r, ok := o.meter.report(msg.Share, time.Now()); ok {
				m.sendLossy(r)
			}
		}
	case wire.Measured:
		if v := m.viewed(msg.Share); v != nil {
			v.meter.reported(msg)
			v.measured.Ring()
		}
	}
}

// outlet is what sends a share of ours to the member, nil if nothing does.
func (m *member) outlet(id wire.ShareID) *outlet {
	m.call.mu.Lock()
	defer m.call.mu.Unlock()
	if s := m.call.shares[id]; s != nil && s.guests[m.id] != nil {
		return s.guests[m.id].outlet
	}
	return nil
}
