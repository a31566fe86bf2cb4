package session

import (
	"testing"
	"time"

	"viewflip.app/wire"
)

const ms = time.Millisecond

// The meter on two machines whose clocks are an hour apart: a picture every
// 100 ms that takes 1 ms to read, waits 2, takes 3 to compress, 10 to travel,
// 4 to arrive, 5 to be decoded and 6 to be shown.
func TestMeterAddsUp(t *testing.T) {
	var send sendMeter
	var view viewMeter
	there := time.Unix(1000, 0)
	const apart, travel, keyed = time.Hour, 10 * ms, warmUp + 1
	for i := range uint32(20) {
		if i == keyed { // a key: carried out after 10 ms, seen in the picture after
			key := wire.Input{Kind: wire.KeyDown, Key: 4, Seq: 77}
			view.inputSent(key, there.Add(apart-20*ms))
			send.injected(key, there.Add(-20*ms+travel))
			send.injected(wire.Input{Kind: wire.KeyDown, Key: 5, Seq: 78}, there.Add(-ms)) // one at a time
		}
		slow := time.Duration(0)
		if i < warmUp { // which does not count
			slow = time.Second
		}
		ready := there.Add(ms + slow)
		begin := ready.Add(2 * ms)
		end := begin.Add(3 * ms)
		send.coded(shot{there, ready}, i, begin, end)
		received := end.Add(travel + apart)
		complete := received.Add(4 * ms)
		view.add(&view.arrive, complete.Sub(received))
		decoded := complete.Add(5*ms + slow)
		view.add(&view.decode, decoded.Sub(complete))
		shown := decoded.Add(6 * ms)
		view.pictureShown(Update{Timestamp: i, Received: received, Decoded: decoded}, shown)
		held := uint32(shown.Sub(received).Microseconds())
		send.acked(wire.Ack{Timestamp: i, Held: held}, shown.Add(travel-apart))
		there = there.Add(100 * ms)
	}
	if l := view.latency(); l.Known() {
		t.Error("known before anybody was asked")
	}
	r, ok := send.report(9, there)
	if !ok || r.Share != 9 || len(r.Echoes) != 1 || r.Echoes[0] != (wire.Echo{Seq: 77, Timestamp: keyed}) {
		t.Errorf("%+v, %v", r, ok)
	}
	view.reported(r)
	l := view.latency()
	for stage, want := range map[Stage]time.Duration{
		StageCapture: ms, StageWait: 2 * ms, StageEncode: 3 * ms, StageNetwork: 10 * ms,
		StageArrive: 4 * ms, StageDecode: 5 * ms, StagePresent: 6 * ms, StageInput: 20*ms + 31*ms,
	} {
		if l[stage] != (wire.Spread{P50: want, P95: want}) {
			t.Errorf("%v took %v, want %v", stage, l[stage], want)
		}
	}
	if sum := l.Sum(); !l.Known() || sum.P50 != 31*ms {
		t.Errorf("the sum is %v", sum)
	}
	if _, ok := send.report(9, there.Add(reportEvery-1)); ok {
		t.Error("answered too often")
	}
	if r, ok := send.report(9, there.Add(reportEvery)); !ok || len(r.Echoes) != 0 {
		t.Errorf("an echo is told twice: %+v", r)
	}
}

// What has nothing to do with an input is not its echo.
func TestMeterEchoes(t *testing.T) {
	var m sendMeter
	at := time.Unix(1000, 0)
	picture := func(captured time.Time, ts uint32) {
		m.coded(shot{captured, captured}, ts, captured, captured.Add(ms))
	}
	echoes := func() []wire.Echo {
		at = at.Add(time.Minute)
		r, _ := m.report(1, at)
		return r.Echoes
	}
	press := wire.Input{Kind: wire.Press, Button: wire.Left, Seq: 5}
	m.injected(wire.Input{Kind: wire.Move, Seq: 4}, at)
	picture(at.Add(ms), 1)
	m.injected(press, at)
	picture(at, 2) // captured before
	if e := echoes(); len(e) != 0 {
		t.Error(e)
	}
	picture(at, 3) // a minute later
	if e := echoes(); len(e) != 0 {
		t.Error(e)
	}
	for i := range uint32(20) {
		press.Seq = 100 + i
		m.injected(press, at)
		picture(at.Add(ms), 100+i)
	}
	if e := echoes(); len(e) != wire.MaxEchoes || e[7].Seq != 119 {
		t.Error(e)
	}

	// An echo whose own picture was passed over: the next one counts. Timestamps
	// wrap.
	var v viewMeter
	v.inputSent(press, at)
	v.reported(wire.Measured{Echoes: []wire.Echo{{Seq: press.Seq, Timestamp: 0xfffffff0}}})
	v.pictureShown(Update{Timestamp: 0xffffffe0, Decoded: at}, at.Add(3*ms))
	if v.input.n != 0 {
		t.Error("an older picture counts")
	}
	v.pictureShown(Update{Timestamp: 5, Decoded: at}, at.Add(8*ms))
	if s := v.latency()[StageInput]; s.P50 != 8*ms || len(v.echoes) != 0 {
		t.Error(s, v.echoes)
	}
}

func TestSamples(t *testing.T) {
	var s samples
	if s.spread() != (wire.Spread{}) {
		t.Error("nothing has a spread")
	}
	for i := range 1000 {
		s.add(time.Duration(i) * ms)
	}
	// The last 128: 872 to 999.
	if got := s.spread(); got.P50 != 936*ms || got.P95 != 993*ms {
		t.Error(got)
	}
	s.add(-ms)
	if s.ring[1000%meterSamples] != 0 {
		t.Error("a time is negative")
	}
}
