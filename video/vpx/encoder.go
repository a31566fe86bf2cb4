//go:build cgo && linux

package vpx

/*
#cgo pkg-config: vpx
#include <stdlib.h>
#include <vpx/vpx_encoder.h>
#include <vpx/vp8cx.h>

typedef struct {
	vpx_codec_ctx_t ctx;
	vpx_codec_enc_cfg_t cfg;
	vpx_image_t *img;
	int open;
} vf_encoder;

static void vf_encoder_close(vf_encoder *e) {
	if (e->open) vpx_codec_destroy(&e->ctx);
	if (e->img) vpx_img_free(e->img);
	free(e);
}

#define SET(id, value) if (!err) err = vpx_codec_control(&e->ctx, id, value)

static vpx_codec_err_t vf_encoder_open(vf_encoder **out, int w, int h, int q, int full_chroma, int text) {
	vpx_codec_enc_cfg_t cfg;
	vpx_codec_err_t err = vpx_codec_enc_config_default(vpx_codec_vp9_cx(), &cfg, 0);
	if (err) return err;
	cfg.g_w = w;
	cfg.g_h = h;
	cfg.g_profile = full_chroma ? 1 : 0;
	cfg.g_threads = 1;
	cfg.g_lag_in_frames = 0;
	cfg.g_error_resilient = 0;
	cfg.g_timebase.num = 1;
	cfg.g_timebase.den = 90000;
	// A fixed quantizer: the rate is what it is, and far from this bound.
	cfg.rc_end_usage = VPX_CBR;
	cfg.rc_target_bitrate = 100000;
	cfg.rc_min_quantizer = cfg.rc_max_quantizer = q;
	cfg.rc_dropframe_thresh = 0;
	cfg.rc_buf_sz = 1000;
	cfg.rc_buf_initial_sz = 500;
	cfg.rc_buf_optimal_sz = 600;
	cfg.kf_mode = VPX_KF_DISABLED;

	vf_encoder *e = calloc(1, sizeof *e);
	if (!e) return VPX_CODEC_MEM_ERROR;
	err = vpx_codec_enc_init(&e->ctx, vpx_codec_vp9_cx(), &cfg, 0);
	e->open = !err;
	e->cfg = cfg;
	SET(VP8E_SET_CPUUSED, 8);
	SET(VP9E_SET_TUNE_CONTENT, text ? VP9E_CONTENT_SCREEN : VP9E_CONTENT_DEFAULT);
	SET(VP9E_SET_AQ_MODE, 0);
	SET(VP9E_SET_ROW_MT, 1);
	SET(VP9E_SET_TILE_COLUMNS, 0);
	SET(VP8E_SET_STATIC_THRESHOLD, 1);
	SET(VP9E_SET_NOISE_SENSITIVITY, 0);
	SET(VP9E_SET_FRAME_PARALLEL_DECODING, 0);
	SET(VP8E_SET_MAX_INTRA_BITRATE_PCT, 0);
	SET(VP9E_SET_COLOR_SPACE, VPX_CS_BT_601);
	SET(VP9E_SET_COLOR_RANGE, VPX_CR_STUDIO_RANGE);
	if (!err && !(e->img = vpx_img_alloc(NULL, full_chroma ? VPX_IMG_FMT_I444 : VPX_IMG_FMT_I420, w, h, 32)))
		err = VPX_CODEC_MEM_ERROR;
	if (err) {
		vf_encoder_close(e);
		return err;
	}
	*out = e;
	return VPX_CODEC_OK;
}

// A new quantizer from the next frame on; it needs no key frame.
static vpx_codec_err_t vf_quantizer(vf_encoder *e, int q) {
	e->cfg.rc_min_quantizer = e->cfg.rc_max_quantizer = q;
	return vpx_codec_enc_config_set(&e->ctx, &e->cfg);
}

// active has one byte per 16x16 pixels; what is 0 stays as it is.
static vpx_codec_err_t vf_encode(vf_encoder *e, int64_t pts, int key, unsigned char *active, int rows, int cols) {
	vpx_active_map_t map = {key ? NULL : active, rows, cols};
	vpx_codec_err_t err = VPX_CODEC_OK;
	SET(VP8E_SET_ACTIVEMAP, &map);
	if (err) return err;
	return vpx_codec_encode(&e->ctx, e->img, pts, 3000, key ? VPX_EFLAG_FORCE_KF : 0, VPX_DL_REALTIME);
}

static const void *vf_packet(vf_encoder *e, vpx_codec_iter_t *iter, size_t *size) {
	const vpx_codec_cx_pkt_t *p;
	while ((p = vpx_codec_get_cx_data(&e->ctx, iter))) {
		if (p->kind != VPX_CODEC_CX_FRAME_PKT) continue;
		*size = p->data.frame.sz;
		return p->data.frame.buf;
	}
	return NULL;
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

// frameTicks is the distance of two frames in the encoder's clock of 90 kHz.
// The quantizer is fixed, so that their real distance does not matter.
const frameTicks = 3000

// Encoder codes the pictures of one surface for one viewer. It is not safe for
// concurrent use.
type Encoder struct {
	o      Options
	q      int
	c      *C.vf_encoder // for the size of ref; nil before the first picture
	planes image.YCbCr   // libvpx's own memory
	ref    *video.Frame  // what was coded last
	tiles  video.TileMap
	rects  []image.Rectangle
	pts    int64
}

// NewEncoder makes an encoder whose first frame will be a key frame.
func NewEncoder(o Options) (*Encoder, error) {
	q, err := o.quantizer()
	if err != nil {
		return nil, err
	}
	return &Encoder{o: o, q: q}, nil
}

// Close frees what libvpx holds.
func (e *Encoder) Close() {
	if e.c != nil {
		C.vf_encoder_close(e.c)
	}
	e.c, e.planes, e.ref = nil, image.YCbCr{}, nil
}

// Encode appends to dst one VP9 frame that turns the decoder's picture into
// one like f within damage; nil damage means everything. refresh makes a key
// frame, as a change of size always does. ok is false, and nothing is appended,
// when nothing differs. f is only read, and not kept. After an error the next
// frame is a key frame.
func (e *Encoder) Encode(dst []byte, f *video.Frame, damage []image.Rectangle, refresh bool) (out []byte, ok bool, err error) {
	if e.c == nil || e.ref.W != f.W || e.ref.H != f.H {
		if err := e.open(f.W, f.H); err != nil {
			return dst, false, err
		}
		e.ref = video.NewFrame(f.W, f.H)
		refresh = true
	}
	e.tiles.Reset(f.W, f.H)
	if refresh {
		copy(e.ref.Pix, f.Pix)
		video.ToYUV(&e.planes, f, f.Bounds())
	} else {
		if damage == nil {
			damage = []image.Rectangle{f.Bounds()}
		}
		if n, _ := e.tiles.Diff(f, e.ref, damage); n == 0 {
			return dst, false, nil
		}
		e.rects = e.tiles.Rects(e.rects[:0])
		for _, r := range e.rects {
			video.CopyRect(e.ref, f, r)
			video.ToYUV(&e.planes, f, r)
		}
	}
	if out, err = e.encode(dst, refresh); err != nil {
		e.Close()
		return dst, false, err
	}
	return out, true, nil
}

func (e *Encoder) open(w, h int) error {
	e.Close()
	if !sizeOK(w, h) {
		return fmt.Errorf("vpx: %dx%d pixels cannot be coded", w, h)
	}
	full := e.o.Profile444
	if code := C.vf_encoder_open(&e.c, C.int(w), C.int(h), C.int(e.q), flag(full), flag(e.o.Text)); code != 0 {
		e.c = nil
		return fmt.Errorf("vpx: open encoder for %dx%d pixels: %w", w, h, codeError(code))
	}
	cw, ch, ratio := (w+1)/2, (h+1)/2, image.YCbCrSubsampleRatio420
	if full {
		cw, ch, ratio = w, h, image.YCbCrSubsampleRatio444
	}
	img := e.c.img
	plane := func(i, w, h int) []byte {
		stride := int(img.stride[i])
		return unsafe.Slice((*byte)(img.planes[i]), stride*(h-1)+w)
	}
	e.planes = image.YCbCr{
		Y: plane(0, w, h), Cb: plane(1, cw, ch), Cr: plane(2, cw, ch),
		YStride: int(img.stride[0]), CStride: int(img.stride[1]),
		SubsampleRatio: ratio, Rect: image.Rect(0, 0, w, h),
	}
	return nil
}

// encode codes the planes; what is not marked in tiles stays as it was.
func (e *Encoder) encode(dst []byte, key bool) ([]byte, error) {
	active := (*C.uchar)(unsafe.Pointer(unsafe.SliceData(e.tiles.Marks)))
	e.pts += frameTicks
	code := C.vf_encode(e.c, C.int64_t(e.pts), flag(key), active, C.int(e.tiles.Rows), C.int(e.tiles.Cols))
	if code != 0 {
		return dst, fmt.Errorf("vpx: encode: %w", codeError(code))
	}
	before := len(dst)
	var iter C.vpx_codec_iter_t
	for {
		var n C.size_t
		p := C.vf_packet(e.c, &iter, &n)
		if p == nil {
			break
		}
		dst = append(dst, unsafe.Slice((*byte)(p), int(n))...)
	}
	if len(dst) == before {
		return dst, errors.New("vpx: encode: libvpx gave no frame")
	}
	return dst, nil
}

// quantizer changes it from the next frame on.
func (e *Encoder) quantizer(q int) error {
	if code := C.vf_quantizer(e.c, C.int(q)); code != 0 {
		return codeError(code)
	}
	return nil
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// codeError is libvpx's own text for its error code.
func codeError(code C.vpx_codec_err_t) error {
	return errors.New(C.GoString(C.vpx_codec_err_to_string(code)))
}
