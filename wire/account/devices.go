package account

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"viewflip.app/wire"
)

// Limits of a device list.
const (
	// MaxDevices bounds the devices in use.
	MaxDevices = 32
	// MaxListed bounds all entries: revoked ones stay for ever, so that none
	// comes back.
	MaxListed = 64
)

const (
	listedSize  = 16 + 64 + 4 + 1
	listFixed   = 32 + 8 + 32 + 1
	maxListSize = len(Signature{}) + listFixed + MaxListed*listedSize
)

// Errors of Follows and NewDeviceList. ErrOtherAccount is the wall: another
// key than the one before.
var (
	ErrOtherAccount = errors.New("account: the device list is of another account key")
	ErrRollback     = errors.New("account: the device list is older than one seen before")
	ErrGap          = errors.New("account: device lists between are missing")
	ErrFork         = errors.New("account: the device list contradicts the one before")
)

// ListedDevice is one entry of a device list.
type ListedDevice struct {
	ID     ID
	Device wire.Device
	// Added is in days since 1970-01-01 UTC.
	Added   uint32
	Revoked bool
}

// DeviceList says which devices are an account's, signed by its key. It is
// immutable, and valid unless zero. Entries are only ever added at the end,
// and revoked. Text: unpadded base64url of Bytes.
type DeviceList struct {
	account Public
	version uint64
	prev    Hash
	devices []ListedDevice
	bytes   []byte
}

const labelDevices = "viewflip/1/devices"

// NewDeviceList signs the list that follows prev, or version 1 if prev is
// zero. It fails as ParseDeviceList and Follows do.
func (k Key) NewDeviceList(prev DeviceList, devices []ListedDevice) (DeviceList, error) {
	account := k.Public()
	body := binary.BigEndian.AppendUint64(account[:], prev.version+1)
	h := prev.Hash()
	if len(devices) > MaxListed {
		return DeviceList{}, wire.ErrTooLarge
	}
	body = append(append(body, h[:]...), byte(len(devices)))
	for _, d := range devices {
		body = binary.BigEndian.AppendUint32(d.Device.Append(append(body, d.ID[:]...)), d.Added)
		if d.Revoked {
			body = append(body, 1)
		} else {
			body = append(body, 0)
		}
	}
	s := k.sign(lp(labelDevices, body))
	l, err := ParseDeviceList(append(s[:], body...))
	if err != nil {
		return DeviceList{}, err
	}
	return l, l.Follows(prev)
}

// ParseDeviceList reads what Bytes wrote and checks the signature by the key
// that it names. Whether that is the right key, and a newer list, Follows
// tells.
func ParseDeviceList(b []byte) (DeviceList, error) {
	if len(b) > maxListSize {
		return DeviceList{}, wire.ErrTooLarge
	}
	const s = len(Signature{})
	if len(b) < s+listFixed || (len(b)-s-listFixed)%listedSize != 0 {
		return DeviceList{}, wire.ErrMalformed
	}
	body := b[s:]
	l := DeviceList{
		account: Public(body), version: binary.BigEndian.Uint64(body[32:]), prev: Hash(body[40:]),
		bytes: slices.Clone(b),
	}
	n, rest := int(body[listFixed-1]), body[listFixed:]
	if n*listedSize != len(rest) || !l.account.verify(lp(labelDevices, body), Signature(b)) {
		return DeviceList{}, wire.ErrMalformed
	}
	for e := range slices.Chunk(rest, listedSize) {
		d, err := wire.ParseDevice(e[16:80])
		if err != nil || e[84] > 1 {
			return DeviceList{}, wire.ErrMalformed
		}
		l.devices = append(l.devices, ListedDevice{
			ID: ID(e), Device: d, Added: binary.BigEndian.Uint32(e[80:]), Revoked: e[84] == 1,
		})
	}
	if !l.sound() {
		return DeviceList{}, wire.ErrMalformed
	}
	return l, nil
}

// sound checks what a signature does not: the owner of the key may be a thief.
func (l DeviceList) sound() bool {
	ids, keys := map[ID]bool{{}: true}, map[wire.Device]bool{}
	for _, d := range l.devices {
		if ids[d.ID] || keys[d.Device] {
			return false
		}
		ids[d.ID], keys[d.Device] = true, true
	}
	n := len(l.Active())
	return n >= 1 && n <= MaxDevices && l.version >= 1 && l.version < 1<<63 && (l.version == 1) == (l.prev == Hash{})
}

// Bytes is what is sent and stored: signature[64], then the signed body:
// account[32] | version u64 | prev[32] | count u8 | per device id[16] |
// keys[64] | added day u32 | revoked flag. The signature is over
// lp("viewflip/1/devices", body).
func (l DeviceList) Bytes() []byte { return slices.Clone(l.bytes) }

// Hash is the SHA-256 of Bytes, which the next list quotes; zero for the zero
// list.
func (l DeviceList) Hash() Hash {
	if len(l.bytes) == 0 {
		return Hash{}
	}
	return sha256.Sum256(l.bytes)
}

// Prev is the hash of the list before; zero in version 1.
func (l DeviceList) Prev() Hash { return l.prev }

// Account is the key that signed.
func (l DeviceList) Account() Public { return l.account }

// Version rises by one with every list, from 1; 0 is the zero list.
func (l DeviceList) Version() uint64 { return l.version }

// Devices are all entries; the slice is the caller's.
func (l DeviceList) Devices() []ListedDevice { return slices.Clone(l.devices) }

// Active are the entries that are not revoked.
func (l DeviceList) Active() []ListedDevice {
	return slices.DeleteFunc(l.Devices(), func(d ListedDevice) bool { return d.Revoked })
}

// Find is the entry of a device id, revoked or not.
func (l DeviceList) Find(id ID) (ListedDevice, bool) {
	i := slices.IndexFunc(l.devices, func(d ListedDevice) bool { return d.ID == id })
	if i < 0 {
		return ListedDevice{}, false
	}
	return l.devices[i], true
}

// Has reports whether a device with these keys is in the list and not revoked.
func (l DeviceList) Has(device wire.Device) bool {
	return slices.ContainsFunc(l.devices, func(d ListedDevice) bool { return d.Device == device && !d.Revoked })
}

// Follows checks that l may replace old: of the same account key, the same
// list or one of a higher version, each list quoting the one before. Between
// are the lists from old to l, in order. Nothing follows from the zero list
// but that l is version 1.
func (l DeviceList) Follows(old DeviceList, between ...DeviceList) error {
	for _, next := range append(slices.Clone(between), l) {
		if err := next.follows(old); err != nil {
			return fmt.Errorf("version %d after %d: %w", next.version, old.version, err)
		}
		old = next
	}
	return nil
}

func (l DeviceList) follows(old DeviceList) error {
	switch {
	case old.version != 0 && l.account != old.account:
		return ErrOtherAccount
	case l.version < old.version:
		return ErrRollback
	case l.version == old.version:
		if l.Hash() != old.Hash() {
			return ErrFork
		}
		return nil
	case l.version > old.version+1:
		return ErrGap
	case l.prev != old.Hash():
		return ErrFork
	}
	return l.grewFrom(old)
}

// Continues is Follows where the lists between are not at hand: l may be any
// number of versions ahead, if it has all that old has, and nobody came back.
func (l DeviceList) Continues(old DeviceList) error {
	if old.version == 0 || l.account == old.account && l.version > old.version+1 {
		return l.grewFrom(old)
	}
	return l.follows(old)
}

func (l DeviceList) grewFrom(old DeviceList) error {
	if len(l.devices) < len(old.devices) {
		return ErrFork
	}
	for i, was := range old.devices {
		is := l.devices[i]
		if was.Revoked && !is.Revoked {
			return ErrFork
		}
		was.Revoked = is.Revoked
		if is != was {
			return ErrFork
		}
	}
	return nil
}

// MarshalText is unpadded base64url.
func (l DeviceList) MarshalText() ([]byte, error) { return encode(l.bytes) }

// UnmarshalText decodes, parses and checks the signature.
func (l *DeviceList) UnmarshalText(text []byte) error {
	b, err := decodeAny(text, maxListSize)
	if err != nil {
		return err
	}
	*l, err = ParseDeviceList(b)
	return err
}
