package xinput

import "testing"

// MapOf are the replies that a keyboard's whole map is read from, without the
// device: its map, compatibility map and names.
func (x *Client) MapOf(t *testing.T, id DeviceID) [3][]byte {
	t.Helper()
	kb, _, err := useXKB(x.c)
	if err != nil {
		t.Fatal(err)
	}
	out, err := kb.readMap(id)
	if err != nil {
		t.Fatal(err)
	}
	for i := range out {
		out[i] = out[i][4:]
	}
	return out
}
