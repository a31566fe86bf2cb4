//go:build cgo && linux

package vpx

/*
#include <stdlib.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vp8dx.h>

static vpx_codec_ctx_t *vf_decoder_open(void) {
	vpx_codec_dec_cfg_t cfg = {.threads = 1};
	vpx_codec_ctx_t *ctx = calloc(1, sizeof *ctx);
	if (ctx && vpx_codec_dec_init(ctx, vpx_codec_vp9_dx(), &cfg, 0)) {
		free(ctx);
		ctx = NULL;
	}
	return ctx;
}

static void vf_decoder_close(vpx_codec_ctx_t *ctx) {
	vpx_codec_destroy(ctx);
	free(ctx);
}

// The picture of the last frame, NULL where it is not to be shown.
static vpx_image_t *vf_picture(vpx_codec_ctx_t *ctx) {
	vpx_codec_iter_t iter = NULL;
	vpx_image_t *img, *last = NULL;
	while ((img = vpx_codec_get_frame(ctx, &iter))) last = img;
	return last;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"image"
	"unsafe"

	"viewflip.app/video"
)

// Decoder rebuilds the picture of one surface. It is not safe for concurrent
// use. libvpx keeps up to about a dozen pictures of the stream's size.
type Decoder struct {
	c      *C.vpx_codec_ctx_t
	alive  bool // false until a key frame, and after an error
	buf    []byte
	frames [][]byte
	pic    *video.Frame
	shown  image.YCbCr // what pic was made of
	space  video.YUV
	tiles  video.TileMap
	dirty  []image.Rectangle
}

// NewDecoder makes a decoder that waits for a key frame.
func NewDecoder() (*Decoder, error) {
	d := &Decoder{}
	if err := d.reopen(); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Decoder) reopen() error {
	d.Close()
	if d.c = C.vf_decoder_open(); d.c == nil {
		return errors.New("vpx: open decoder: out of memory")
	}
	return nil
}

// Close frees what libvpx holds. Nothing can be decoded afterwards.
func (d *Decoder) Close() {
	if d.c != nil {
		C.vf_decoder_close(d.c)
		d.c = nil
	}
	d.alive = false
}

// Picture is the picture after the last frame that was decoded, nil before the
// first. It stays the decoder's and changes with the next Decode. Its Gen is 0:
// VP9 does not carry it.
func (d *Decoder) Picture() *video.Frame { return d.pic }

// Need is how many pixels the decoder will count as after Decode of b: those of
// its picture, and as many again for those that libvpx keeps. 0 if b is no frame.
func (d *Decoder) Need(b []byte) int {
	frames, err := split(nil, b)
	if err != nil {
		return 0
	}
	n := 0
	if d.pic != nil {
		n = d.pic.W * d.pic.H
	}
	for _, f := range frames {
		if h, err := parseHeader(f); err == nil {
			n = max(n, h.w*h.h)
		}
	}
	return 2 * n
}

// Decode takes one VP9 frame or superframe and returns the rectangles that
// changed, valid until the next call; none when the frame is not to be shown.
// After ErrCorrupt or ErrNeedRefresh the picture is as it was, and only a key
// frame is taken.
func (d *Decoder) Decode(b []byte) ([]image.Rectangle, error) {
	dirty, err := d.decode(b)
	d.alive = err == nil
	return dirty, err
}

func (d *Decoder) decode(b []byte) ([]image.Rectangle, error) {
	img, err := d.image(b, func(w, h int) bool { return true })
	if err != nil || img == nil {
		return nil, err
	}
	return d.show(img)
}

// image takes one chunk and returns libvpx's picture, which holds until the
// next call; nil when it is not to be shown. Frames whose size is not fit do
// not reach libvpx.
func (d *Decoder) image(b []byte, fit func(w, h int) bool) (*C.vpx_image_t, error) {
	var err error
	if d.frames, err = split(d.frames[:0], b); err != nil {
		return nil, err
	}
	for i, f := range d.frames {
		h, err := parseHeader(f)
		if err != nil {
			return nil, err
		}
		if (h.w != 0 || h.h != 0) && !fit(h.w, h.h) {
			return nil, fmt.Errorf("%w: %dx%d pixels", ErrCorrupt, h.w, h.h)
		}
		if i > 0 || d.alive {
			continue
		}
		if !h.key {
			return nil, ErrNeedRefresh
		}
		// What an error left behind in libvpx ends with it.
		if err := d.reopen(); err != nil {
			return nil, err
		}
	}
	var img *C.vpx_image_t
	for _, f := range d.frames {
		d.buf = appendAlone(d.buf[:0], f)
		code := C.vpx_codec_decode(d.c, (*C.uint8_t)(unsafe.SliceData(d.buf)), C.uint(len(d.buf)), nil, 0)
		if code != 0 {
			return nil, fmt.Errorf("%w: %s", ErrCorrupt, C.GoString(C.vpx_codec_err_to_string(code)))
		}
		if p := C.vf_picture(d.c); p != nil {
			img = p
		}
	}
	return img, nil
}

// planes looks at libvpx's picture, without a copy.
func planes(img *C.vpx_image_t) (p image.YCbCr, space video.YUV, err error) {
	w, h := int(img.d_w), int(img.d_h)
	if !sizeOK(w, h) {
		return p, space, fmt.Errorf("%w: %dx%d pixels", ErrCorrupt, w, h)
	}
	cw, ch, ratio := w, h, image.YCbCrSubsampleRatio444
	switch img.fmt {
	case C.VPX_IMG_FMT_I444:
	case C.VPX_IMG_FMT_I420:
		cw, ch, ratio = (w+1)/2, (h+1)/2, image.YCbCrSubsampleRatio420
	default:
		return p, space, fmt.Errorf("%w: pixel format %d", ErrCorrupt, int(img.fmt))
	}
	if img.cs == C.VPX_CS_SRGB {
		return p, space, fmt.Errorf("%w: a picture in RGB", ErrCorrupt)
	}
	plane := func(i, w, h int) []byte {
		return unsafe.Slice((*byte)(img.planes[i]), int(img.stride[i])*(h-1)+w)
	}
	p = image.YCbCr{
		Y: plane(0, w, h), Cb: plane(1, cw, ch), Cr: plane(2, cw, ch),
		YStride: int(img.stride[0]), CStride: int(img.stride[1]),
		SubsampleRatio: ratio, Rect: image.Rect(0, 0, w, h),
	}
	return p, video.YUV{BT709: img.cs == C.VPX_CS_BT_709, Full: img._range == C.VPX_CR_FULL_RANGE}, nil
}

// show brings what libvpx decoded into the picture.
func (d *Decoder) show(img *C.vpx_image_t) ([]image.Rectangle, error) {
	next, space, err := planes(img)
	if err != nil {
		return nil, err
	}
	w, h := next.Rect.Dx(), next.Rect.Dy()
	d.dirty = d.dirty[:0]
	if d.pic == nil || d.shown.Rect != next.Rect || d.shown.SubsampleRatio != next.SubsampleRatio || d.space != space {
		if d.pic == nil || d.shown.Rect != next.Rect {
			d.pic = video.NewFrame(w, h)
		}
		d.shown = *image.NewYCbCr(next.Rect, next.SubsampleRatio)
		d.space = space
		d.dirty = append(d.dirty, next.Rect)
	} else {
		d.tiles.Reset(w, h)
		d.tiles.DiffYUV(&next, &d.shown)
		d.dirty = d.tiles.Rects(d.dirty)
	}
	for _, r := range d.dirty {
		video.CopyRectYUV(&d.shown, &next, r)
		video.FromYUV(d.pic, &next, space, r)
	}
	return d.dirty, nil
}
