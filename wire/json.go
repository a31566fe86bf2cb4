package wire

import (
	"encoding/json"
	"io"
)

// NewJSON writes values as JSON for people and their programs, one a line. A
// link stays a link in it: & is written as it is, where the standard encoder
// writes it as \u0026 for the sake of HTML, and whoever cuts the link out of the
// line by hand has one that leads nowhere.
func NewJSON(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}
