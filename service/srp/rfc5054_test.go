package srp

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// modulus1024 is the smallest group of RFC 5054, which its test vectors use;
// its generator is 2.
func modulus1024(t *testing.T) []byte {
	t.Helper()
	return unhex(t, `
		EEAF0AB9 ADB38DD6 9C33F80A FA8FC5E8 60726187 75FF3C0B 9EA2314C 9C256576
		D674DF74 96EA81D3 383B4813 D692C6E0 E0D5D8E2 50B98BE4 8E495C1D 6089DAD1
		5DC7D7B4 6154D6B6 CE8EF4AD 69B15D49 82559B29 7BCF1885 C529F566 660E57EC
		68EDBC3C 05726CC0 2FD4CBF4 976EAA9A FD5138FE 8376435B 9FC61D2F C0EB06E3`)
}

// RFC 5054, appendix B.
func TestRFC5054(t *testing.T) {
	s, err := newSuite(modulus1024(t), 2, sha1.New)
	if err != nil {
		t.Fatal(err)
	}
	salt := unhex(t, "BEB25379 D1A8581E B5A72767 3A2441EE")
	a := unhex(t, "60975527 035CF2AD 1989806F 0407210B C81EDC04 E2762A56 AFD529DD DA2D4393")
	b := unhex(t, "E487CB59 D31AC550 471E81F0 0F6928E0 1DDA08E9 74A004F4 9E61F5D1 05284D20")
	x := s.x(salt, []byte("alice"), []byte("password123"))
	v := s.power(x)
	vn, err := s.parse(v)
	if err != nil {
		t.Fatal(err)
	}
	pubA, pubB := s.power(a), s.public(vn, b)
	u, err := s.scramble(pubA, pubB)
	if err != nil {
		t.Fatal(err)
	}
	client, err := s.clientSecret(a, pubA, x, pubB)
	if err != nil {
		t.Fatal(err)
	}
	server, err := s.serverSecret(b, pubB, vn, pubA)
	if err != nil {
		t.Fatal(err)
	}
	premaster := `
		B0DC82BA BCF30674 AE450C02 87745E79 90A3381F 63B387AA F271A10D 233861E3
		59B48220 F7C4693C 9AE12B0A 6F67809F 0876E2D0 13800D6C 41BB59B6 D5979B5C
		00A172B4 A2A5903A 0BDCAF8A 709585EB 2AFAFA8F 3499B200 210DCC1F 10EB3394
		3CD67FC8 8A2F39A4 BE5BEC4E C0A3212D C346D7E4 74B29EDE 8A469FFE CA686E5A`
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"k", bytes.TrimLeft(s.k, "\x00"), "7556AA04 5AEF2CDD 07ABAF0F 665C3E81 8913186F"},
		{"x", x, "94B7555A ABE9127C C58CCF49 93DB6CF8 4D16C124"},
		{"v", v, `
			7E273DE8 696FFC4F 4E337D05 B4B375BE B0DDE156 9E8FA00A 9886D812 9BADA1F1
			822223CA 1A605B53 0E379BA4 729FDC59 F105B478 7E5186F5 C671085A 1447B52A
			48CF1970 B4FB6F84 00BBF4CE BFBB1681 52E08AB5 EA53D15C 1AFF87B2 B9DA6E04
			E058AD51 CC72BFC9 033B564E 26480D78 E955A5E2 9E7AB245 DB2BE315 E2099AFB`},
		{"A", pubA, `
			61D5E490 F6F1B795 47B0704C 436F523D D0E560F0 C64115BB 72557EC4 4352E890
			3211C046 92272D8B 2D1A5358 A2CF1B6E 0BFCF99F 921530EC 8E393561 79EAE45E
			42BA92AE ACED8251 71E1E8B9 AF6D9C03 E1327F44 BE087EF0 6530E69F 66615261
			EEF54073 CA11CF58 58F0EDFD FE15EFEA B349EF5D 76988A36 72FAC47B 0769447B`},
		{"B", pubB, `
			BD0C6151 2C692C0C B6D041FA 01BB152D 4916A1E7 7AF46AE1 05393011 BAF38964
			DC46A067 0DD125B9 5A981652 236F99D9 B681CBF8 7837EC99 6C6DA044 53728610
			D0C6DDB5 8B318885 D7D82C7F 8DEB75CE 7BD4FBAA 37089E6F 9C6059F3 88838E7A
			00030B33 1EB76840 910440B1 B27AAEAE EB4012B7 D7665238 A8E3FB00 4B117B58`},
		{"u", u, "CE38B959 3487DA98 554ED47D 70A7AE5F 462EF019"},
		{"S of the client", client, premaster},
		{"S of the server", server, premaster},
	} {
		if !bytes.Equal(c.got, unhex(t, c.want)) {
			t.Errorf("%s is %x", c.name, c.got)
		}
	}
}

// The modulus is the one of the formula that both RFCs give, and a safe prime:
// a wrong digit would be neither.
func TestGroup(t *testing.T) {
	n := new(big.Int).SetBytes(modulus3072())
	if n.BitLen() != 3072 || len(modulus3072()) != Size {
		t.Fatal(n.BitLen())
	}
	half := new(big.Int).Rsh(n, 1)
	if !n.ProbablyPrime(1) || !half.ProbablyPrime(1) {
		t.Error("N is not a safe prime")
	}
	one := big.NewInt(1)
	// N + 1 + 2^3008 - 2^3072 is a multiple of 2^64.
	rest := new(big.Int).Add(n, one)
	rest.Add(rest, new(big.Int).Lsh(one, 3008)).Sub(rest, new(big.Int).Lsh(one, 3072))
	if low := new(big.Int).And(rest, new(big.Int).SetUint64(1<<64-1)); low.Sign() != 0 {
		t.Error("N does not end as it must")
	}
}
