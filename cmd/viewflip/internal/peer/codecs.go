package peer

import (
	"fmt"
	"image"

	"viewflip.app/rtc"
	"viewflip.app/session"
	"viewflip.app/video/tile"
	"viewflip.app/video/vpx"
)

// Codecs lists what this build can code and decode, the best first.
func Codecs() []rtc.Codec {
	d, err := vpx.NewDecoder()
	if err != nil {
		return []rtc.Codec{{MimeType: rtc.MimeTypeTile}}
	}
	d.Close()
	return []rtc.Codec{{MimeType: rtc.MimeTypeTileVP9}, {MimeType: rtc.MimeTypeTile}, {MimeType: rtc.MimeTypeVP9}}
}

func newRegion(at image.Rectangle, quality int) (tile.RegionEncoder, error) {
	return vpx.NewRegionEncoder(at, quality)
}

// slotPixels bounds what the encoders of a call hold of earlier pictures together,
// for all viewers and shares: 192 MiB.
const slotPixels = 4 * tile.MaxSlotPixels

// Encoders returns what makes the encoders of one call, by the name of a codec.
func Encoders() func(mime string) (session.Encoder, error) {
	room := tile.NewRoom(slotPixels)
	return func(mime string) (session.Encoder, error) { return newEncoder(mime, room) }
}

// newEncoder makes the encoder of one of Codecs.
func newEncoder(mime string, room *tile.Room) (session.Encoder, error) {
	switch mime {
	case rtc.MimeTypeTileVP9:
		return tile.NewEncoder(tile.Options{Region: newRegion, Room: room})
	case rtc.MimeTypeTile:
		return tile.NewEncoder(tile.Options{Room: room})
	case rtc.MimeTypeVP9:
		return vpx.NewEncoder(vpx.Options{Text: true})
	default:
		return nil, fmt.Errorf("there is no encoder for %s", mime)
	}
}

// NewDecoder makes the decoder of one of Codecs.
func NewDecoder(mime string) (session.Decoder, error) {
	switch mime {
	case rtc.MimeTypeTileVP9:
		region, err := vpx.NewRegionDecoder()
		if err != nil {
			return nil, err
		}
		return tile.NewDecoder(region)
	case rtc.MimeTypeTile:
		return tile.NewDecoder(nil)
	case rtc.MimeTypeVP9:
		return vpx.NewDecoder()
	default:
		return nil, fmt.Errorf("there is no decoder for %s", mime)
	}
}
