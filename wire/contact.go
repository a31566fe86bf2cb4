package wire

import "log/slog"

// ContactLink leads to a person: whoever has it may become a contact, once.
// Its form is that of Link with another path,
//
//	viewflip://host:port/i/<invite>?p=<pin>&f=<account>[&a=host:port…]#<secret>
//
// where account is the fingerprint of the person's account key: see package
// account.
type ContactLink struct {
	Service Service
	Invite  InviteID
	Account [32]byte
	Secret  Secret
}

// String is the whole link with its secret.
func (l ContactLink) String() string {
	return Link{Service: l.Service, Invite: l.Invite, Inviter: l.Account, Secret: l.Secret}.text(pathContact)
}

// LogValue hides the secret.
func (l ContactLink) LogValue() slog.Value { return slog.StringValue("***") }

// GoString hides the secret.
func (l ContactLink) GoString() string { return "***" }

// ParseContactLink reads what String wrote, with white space around it as
// pasted text has; ErrLink otherwise.
func ParseContactLink(s string) (ContactLink, error) {
	l, err := parseLink(s, pathContact)
	if err != nil {
		return ContactLink{}, err
	}
	return ContactLink{Service: l.Service, Invite: l.Invite, Account: l.Inviter, Secret: l.Secret}, nil
}
