package main

import (
	"context"
	"fmt"
	"image"
	"testing"
	"time"

	"viewflip.app/capture"
	"viewflip.app/cmd/viewflip/internal/peer"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/ui/glass"
	"viewflip.app/video"
)

// stagesPictures is how many pictures each stage is measured with.
const stagesPictures = 150

// BenchmarkStages takes real pictures of a real window through every stage in
// one process. Run it with -benchtime 1x; it prints a table.
func BenchmarkStages(b *testing.B) {
	for _, size := range []image.Point{{X: 1280, Y: 800}, {X: 1920, Y: 1080}} {
		b.Run(fmt.Sprintf("%dx%d", size.X, size.Y), func(b *testing.B) {
			from, to := displays(b)
			v := newCanvas(b, from, size)
			v.load(30)
			fmt.Printf("\n%dx%d, p50 / p95 ms\n", size.X, size.Y)
			fmt.Println("| scene | capture | convert | encode | decode | present | all | bytes p50 |\n|---|---|---|---|---|---|---|---|")
			for _, s := range []struct {
				name    string
				prepare func() func()
			}{{"typing", v.typed}, {"scrolling", v.scrolled}, {"video 720x400", v.played}} {
				fmt.Println(stages(b, from.Name(), to.Name(), v, s.name, s.prepare))
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// stages measures one scene and returns its line of the table.
func stages(b *testing.B, from, to string, v *canvas, name string, prepare func() func()) string {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	desk, err := platform.Open(from, nil)
	must(err)
	defer desk.Close()
	ctx := context.Background()
	stream, err := capture.Open(ctx, desk, v.w.ID(), capture.Options{})
	must(err)
	defer stream.Close()
	mime := peer.Codecs()[0].MimeType
	enc, err := peer.Encoders()(mime)
	must(err)
	defer enc.Close()
	dec, err := peer.NewDecoder(mime)
	must(err)
	defer dec.Close()
	parent := platformtest.NewWindow(b, to, platformtest.Options{Bounds: image.Rectangle{Max: v.size}, OverrideRedirect: true})
	defer parent.Unmap()
	child, err := glass.NewChild(to, uintptr(parent.XID()), func() {})
	must(err)
	defer child.Close()
	child.Place(image.Rectangle{Max: v.size}, true)

	yuv := image.NewYCbCr(image.Rectangle{Max: v.size}, image.YCbCrSubsampleRatio444)
	names := []string{"capture", "convert", "encode", "decode", "present", "total"}
	times := map[string][]time.Duration{}
	var coded []byte
	var sizes []time.Duration // bytes, to be sorted the same way
	var began time.Time
	for n := range stagesPictures {
		if n > 0 {
			paint := prepare()
			v.ready()
			began = time.Now()
			paint()
			if n%2 == 0 {
				time.Sleep(8 * time.Millisecond) // the event of the damage arrives
			}
		}
		at := time.Now()
		lap := func(stage string) {
			if n > 0 && (n%2 == 0 || stage != "capture") { // the first picture is the whole
				times[stage] = append(times[stage], time.Since(at))
			}
			at = time.Now()
		}
		f, err := stream.Next(ctx)
		must(err)
		lap("capture")
		for _, r := range f.Damage {
			video.ToYUV(yuv, f, r)
		}
		lap("convert")
		coded, _, err = enc.Encode(coded[:0], f, f.Damage, n == 0)
		must(err)
		f.Release()
		lap("encode")
		dirty, err := dec.Decode(coded)
		must(err)
		lap("decode")
		must(child.Paint(lent{dec.Picture()}, dirty))
		lap("present")
		if n%2 == 1 {
			times["total"] = append(times["total"], time.Since(began))
		}
		if n > 0 {
			sizes = append(sizes, time.Duration(len(coded)))
		}
	}
	line := "| " + name
	for _, s := range names {
		line += fmt.Sprintf(" | %.2f / %.2f", millis(quantile(times[s], 50)), millis(quantile(times[s], 95)))
	}
	return line + fmt.Sprintf(" | %d |", int(quantile(sizes, 50)))
}

// lent is a picture that does not change.
type lent struct{ f *video.Frame }

func (l lent) Picture(f func(*video.Frame)) { f(l.f) }
