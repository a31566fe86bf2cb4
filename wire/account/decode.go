package account

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"

	"viewflip.app/wire"
)

// Limits of bodies, in bytes.
const (
	// MaxBody bounds a body that says nothing else: every request but
	// vault/put, and most answers.
	MaxBody = 64 << 10
	// MaxVault bounds a sealed vault before base64.
	MaxVault = 256 << 10
	// MaxVaultBody bounds the body of vault/put and the answer of vault/get.
	MaxVaultBody = 360 << 10
	// MaxAnswer bounds the answers that grow with the number of contacts, and
	// an export.
	MaxAnswer = 16 << 20
)

// Decode reads one JSON body of type T to its end and no more than T may be
// large: wire.ErrTooLarge beyond. Anything but exactly the fields of T, each at
// most once, is wire.ErrMalformed; so is a missing or zero field that is not
// optional. Numbers and flags may be missing: they are 0 and false then.
func Decode[T any](r io.Reader) (T, error) {
	var v, zero T
	limit := int64(MaxBody)
	if l, ok := any(v).(interface{ maxBody() int64 }); ok {
		limit = l.maxBody()
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return zero, err
	}
	if int64(len(b)) > limit {
		return zero, wire.ErrTooLarge
	}
	if err := checkNames(b); err != nil {
		return zero, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if d.Decode(&v) != nil || !complete(reflect.ValueOf(v)) {
		return zero, wire.ErrMalformed
	}
	return v, nil
}

// Encode is the body of v.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	err := wire.NewJSON(&b).Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// maxDepth is deeper than any type here, and an export.
const maxDepth = 16

// checkNames refuses what encoding/json is lax about: a name twice, names that
// match only without regard to case, and anything after the value.
func checkNames(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if value(d, maxDepth) != nil {
		return wire.ErrMalformed
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return wire.ErrMalformed
	}
	return nil
}

func value(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	if depth == 0 {
		return wire.ErrMalformed
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			name, ok := t.(string)
			if err != nil || !ok || seen[name] || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
				return wire.ErrMalformed
			}
			seen[name] = true
		}
		if err := value(d, depth-1); err != nil {
			return err
		}
	}
	_, err = d.Token() // the closing delimiter
	return err
}

// complete reports whether every field is there that must be, and every value
// is valid that can tell.
func complete(v reflect.Value) bool {
	if c, ok := v.Interface().(interface{ valid() bool }); ok && !c.valid() {
		return false
	}
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil() || complete(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return true
		}
		for i := range v.Len() {
			if !complete(v.Index(i)) {
				return false
			}
		}
	case reflect.Struct:
		if _, ok := reflect.New(v.Type()).Interface().(encoding.TextUnmarshaler); ok {
			return true // parsed as a whole
		}
		for i := range v.NumField() {
			if !completeField(v.Type().Field(i), v.Field(i)) {
				return false
			}
		}
	default: // its type says all there is to say
	}
	return true
}

func completeField(f reflect.StructField, v reflect.Value) bool {
	if v.IsZero() {
		if strings.HasSuffix(f.Tag.Get("json"), ",omitzero") {
			return true
		}
		switch v.Kind() {
		case reflect.Bool, reflect.Uint8, reflect.Uint32, reflect.Uint64, reflect.Int64:
			return true
		case reflect.Slice:
			return v.Type().Elem().Kind() != reflect.Uint8 // an empty list, but no empty blob
		default:
			return false
		}
	}
	return complete(v)
}
