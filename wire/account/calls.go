package account

import (
	"encoding/json"
	"slices"
)

// Paths of the calls. All are POST with a JSON body, answered by JSON; what
// stands behind a path is its request → answer.
const (
	// Without a session.
	PathSignupStart  = "/v1/signup/start"   // SignupStart → SignupTicket
	PathSignupFinish = "/v1/signup/finish"  // SignupFinish → Empty
	PathLoginStart   = "/v1/login/start"    // LoginStart → LoginChallenge
	PathLoginFinish  = "/v1/login/finish"   // LoginFinish → LoginDone
	PathRotate       = "/v1/session/rotate" // Rotate → Rotated, with HeaderRotate
	PathLinkOpen     = "/v1/link/open"      // Empty → LinkOpened
	PathLinkPut      = "/v1/link/put"       // LinkPut → Empty
	PathLinkGet      = "/v1/link/get"       // LinkGet → LinkMessages
	// With a session.
	PathSessions        = "/v1/session/list"         // Empty → Sessions
	PathSessionEnd      = "/v1/session/end"          // SessionEnd → Empty
	PathDevices         = "/v1/devices/get"          // Empty → Devices
	PathDevicesPut      = "/v1/devices/put"          // DevicesPut → Empty
	PathDeviceLabel     = "/v1/devices/label"        // DeviceLabel → Empty
	PathMe              = "/v1/me/get"               // Empty → Me
	PathMeUpdate        = "/v1/me/update"            // MeUpdate → Empty
	PathMeFindable      = "/v1/me/findable"          // MeFindable → Empty
	PathMeExport        = "/v1/me/export"            // Empty → Export
	PathMeDelete        = "/v1/me/delete"            // Empty → Empty, with a fresh login
	PathVault           = "/v1/vault/get"            // Empty → Vault
	PathVaultPut        = "/v1/vault/put"            // Vault → Empty
	PathContacts        = "/v1/contacts/list"        // Empty → Contacts
	PathContactInvite   = "/v1/contacts/invite"      // ContactInvite → Empty
	PathContactRevoke   = "/v1/contacts/revoke"      // ContactInvite → Empty
	PathContactAccept   = "/v1/contacts/accept_link" // ContactAccept → ContactAccepted
	PathContactAsk      = "/v1/contacts/ask"         // ContactAsk → Empty
	PathContactWithdraw = "/v1/contacts/withdraw"    // ContactWithdraw → Empty
	PathContactAnswer   = "/v1/contacts/answer"      // ContactAnswer → Empty
	PathContactRemove   = "/v1/contacts/remove"      // ContactHandle → Empty
	PathContactBlock    = "/v1/contacts/block"       // ContactHandle → Empty
	PathRecoveryEnroll  = "/v1/recovery/enroll"      // RecoveryEnroll → Empty
	PathRecovery        = "/v1/recovery/get"         // Empty → RecoverySealed
	PathRecoveryConfirm = "/v1/recovery/confirm"     // RecoveryConfirm → Empty
)

// HeaderIdempotency carries an ID, new for each intention and the same when a
// changing call is sent again.
const HeaderIdempotency = "Idempotency-Key"

// Days are days since 1970-01-01 UTC, times are seconds.
type (
	// Empty is a body without fields.
	Empty struct{}

	// Credential is how a device, or a recovery kit, proves itself: an SRP
	// verifier.
	Credential struct {
		ID       ID     `json:"id"`
		Salt     Salt   `json:"salt"`
		Verifier Number `json:"verifier"`
	}
	// NewDevice is the credential of a device that is enrolled. Its public
	// keys are those under its ID in the signed list that comes with it.
	NewDevice struct {
		Credential
		Label Label `json:"label"`
	}

	// SignupStart asks for a code by e-mail. Pass is for services that take
	// people by invitation alone, which answer CodeAuthFailed without a good one.
	SignupStart struct {
		Email Email `json:"email"`
		Name  Name  `json:"name"`
		Pass  Pass  `json:"pass,omitzero"`
	}
	// SignupTicket names the attempt; the answer tells nothing else.
	SignupTicket struct {
		Ticket ID `json:"ticket"`
	}
	// SignupFinish makes the account. The list is version 1 of the account and
	// has the device.
	SignupFinish struct {
		Ticket  ID         `json:"ticket"`
		Code    Code       `json:"code"`
		Device  NewDevice  `json:"device"`
		Account Public     `json:"account"`
		Devices DeviceList `json:"devices"`
	}

	// LoginStart begins SRP.
	LoginStart struct {
		Device ID     `json:"device"`
		A      Number `json:"a"`
	}
	// LoginChallenge answers it.
	LoginChallenge struct {
		Attempt ID     `json:"attempt"`
		Salt    Salt   `json:"salt"`
		B       Number `json:"b"`
	}
	// LoginFinish proves the password and the device: the signature is over
	// LoginTranscript. A recovery kit has none.
	LoginFinish struct {
		Attempt   ID        `json:"attempt"`
		M1        Hash      `json:"m1"`
		Signature Signature `json:"signature,omitzero"`
	}
	// LoginDone proves the service and names the session.
	LoginDone struct {
		M2      Hash  `json:"m2"`
		Session ID    `json:"session"`
		Expires int64 `json:"expires"`
	}
	// Rotate asks for the next generation.
	Rotate struct {
		RID ID `json:"rid"`
	}
	// Rotated answers it; Expires is when the session ends.
	Rotated struct {
		Nonce   Hash  `json:"nonce"`
		Expires int64 `json:"expires"`
	}

	// LinkOpened names a new slot; the ticket is the new device's alone.
	LinkOpened struct {
		Slot   Slot `json:"slot"`
		Ticket ID   `json:"ticket"`
	}
	// LinkPut leaves a message in a slot. The new device has the ticket and odd
	// seqs, the old one none and even seqs, from 1 to MaxLinkMessages, each
	// once.
	LinkPut struct {
		Slot   Slot     `json:"slot"`
		Ticket ID       `json:"ticket,omitzero"`
		Seq    uint8    `json:"seq"`
		Blob   LinkBlob `json:"blob"`
	}
	// LinkGet waits for messages with a seq above After.
	LinkGet struct {
		Slot   Slot  `json:"slot"`
		Ticket ID    `json:"ticket,omitzero"`
		After  uint8 `json:"after"`
	}
	// LinkMessages are what is there, by seq; none after the time to wait.
	LinkMessages struct {
		Messages []LinkMessage `json:"messages"`
	}
	// LinkMessage is one of them.
	LinkMessage struct {
		Seq  uint8    `json:"seq"`
		Blob LinkBlob `json:"blob"`
	}

	// Sessions are those of the account.
	Sessions struct {
		Sessions []SessionInfo `json:"sessions"`
	}
	// SessionInfo is one of them.
	SessionInfo struct {
		Device  ID     `json:"device"`
		Day     uint32 `json:"day"`
		Current bool   `json:"current"`
	}
	// SessionEnd ends the sessions of a device; without one, this session.
	SessionEnd struct {
		Device ID `json:"device,omitzero"`
	}

	// Devices are the newest list and what the service knows besides.
	Devices struct {
		Devices DeviceList   `json:"devices"`
		Info    []DeviceInfo `json:"info"`
	}
	// DeviceInfo is about one device in use.
	DeviceInfo struct {
		ID      ID     `json:"id"`
		Label   Label  `json:"label"`
		LastDay uint32 `json:"last_day"`
		Current bool   `json:"current"`
	}
	// DevicesPut replaces the list by one that follows it, and brings the
	// credential of a device that it adds.
	DevicesPut struct {
		Devices DeviceList `json:"devices"`
		Add     *NewDevice `json:"add,omitzero"`
	}
	// DeviceLabel names a device.
	DeviceLabel struct {
		ID    ID    `json:"id"`
		Label Label `json:"label"`
	}

	// Me is what the service knows of the person.
	Me struct {
		Name       Name   `json:"name"`
		Email      Email  `json:"email"`
		Findable   bool   `json:"findable"`
		CreatedDay uint32 `json:"created_day"`
	}
	// MeUpdate changes the name.
	MeUpdate struct {
		Name Name `json:"name"`
	}
	// MeFindable lets others ask by e-mail, or no more.
	MeFindable struct {
		On bool `json:"on"`
	}
	// Export is everything about the account, one JSON object.
	Export struct {
		Data json.RawMessage `json:"data"`
	}

	// Vault is the sealed vault: see SealVault. A new one has the version
	// after the stored one's; version 0 with no blob is the answer where there
	// is none yet.
	Vault struct {
		Version uint64    `json:"version"`
		Blob    VaultBlob `json:"blob,omitzero"`
	}

	// Contacts are the accepted ones and who asks to become one.
	Contacts struct {
		Contacts []Contact `json:"contacts"`
		Asks     []Ask     `json:"asks"`
		// Invites counts the open links.
		Invites uint32 `json:"invites"`
	}
	// Contact is a person. Its account and devices are claims of the service
	// until they were compared with the pin.
	Contact struct {
		Handle  ID         `json:"handle"`
		Name    Name       `json:"name"`
		Account Public     `json:"account"`
		Devices DeviceList `json:"devices"`
		// Proof is what came with the acceptance of a link: see ContactProof.
		Proof Hash `json:"proof,omitzero"`
	}
	// Ask is a person who asks by e-mail.
	Ask struct {
		Handle ID   `json:"handle"`
		Name   Name `json:"name"`
	}
	// ContactInvite names an open link by InviteHash of its id.
	ContactInvite struct {
		Invite Hash `json:"invite"`
	}
	// ContactAccept takes a link.
	ContactAccept struct {
		Invite ID   `json:"invite"`
		Proof  Hash `json:"proof"`
	}
	// ContactAccepted is who made the link.
	ContactAccepted struct {
		Contact Contact `json:"contact"`
	}
	// ContactAsk asks by e-mail; the answer is always the same.
	ContactAsk struct {
		Email Email `json:"email"`
	}
	// ContactWithdraw takes an ask back; the answer is always the same.
	ContactWithdraw struct {
		Email Email `json:"email"`
	}
	// ContactAnswer answers an Ask.
	ContactAnswer struct {
		Handle ID     `json:"handle"`
		Answer Answer `json:"answer"`
	}
	// ContactHandle names a contact to remove or to block.
	ContactHandle struct {
		Handle ID `json:"handle"`
	}

	// RecoveryEnroll makes a recovery kit valid, and the one before invalid.
	RecoveryEnroll struct {
		Credential
		Sealed SealedKey `json:"sealed"`
	}
	// RecoverySealed is the account key under the kit.
	RecoverySealed struct {
		Sealed SealedKey `json:"sealed"`
	}
	// RecoveryConfirm is the code of the mail that a login with a kit sends.
	RecoveryConfirm struct {
		Code Code `json:"code"`
	}
)

// Answer is what is answered to an Ask.
type Answer string

// The answers.
const (
	AnswerAccept  Answer = "accept"
	AnswerDecline Answer = "decline"
	AnswerBlock   Answer = "block"
)

func (a Answer) valid() bool {
	return slices.Contains([]Answer{AnswerAccept, AnswerDecline, AnswerBlock}, a)
}

// Limits of a linking slot.
const (
	// MaxLinkBlob bounds one message, in bytes before base64.
	MaxLinkBlob = 4 << 10
	// MaxLinkMessages bounds their number.
	MaxLinkMessages = 8
)

func (l LinkPut) valid() bool {
	return l.Seq >= 1 && l.Seq <= MaxLinkMessages && (l.Seq%2 == 1) == (l.Ticket != ID{})
}

func (l LinkMessages) valid() bool { return len(l.Messages) <= MaxLinkMessages }

func (e Export) valid() bool { return len(e.Data) > 0 && e.Data[0] == '{' }

func (v Vault) valid() bool { return (v.Version == 0) == (len(v.Blob) == 0) }

func (s SignupFinish) valid() bool {
	_, ok := s.Devices.Find(s.Device.ID)
	return ok && s.Devices.Account() == s.Account && s.Devices.Version() == 1
}

func (d DevicesPut) valid() bool {
	if d.Add == nil {
		return true
	}
	e, ok := d.Devices.Find(d.Add.ID)
	return ok && !e.Revoked
}

func (c Contact) valid() bool { return c.Devices.Account() == c.Account }

func (Vault) maxBody() int64    { return MaxVaultBody }
func (Contacts) maxBody() int64 { return MaxAnswer }
func (Export) maxBody() int64   { return MaxAnswer }

type (
	// LinkBlob is a message of a linking slot, 1 to MaxLinkBlob bytes.
	LinkBlob []byte
	// VaultBlob is a sealed vault, 1 to MaxVault bytes.
	VaultBlob []byte
)

// MarshalText is unpadded base64url.
func (b LinkBlob) MarshalText() ([]byte, error) { return encode(b) }

// UnmarshalText reads unpadded base64url.
func (b *LinkBlob) UnmarshalText(text []byte) (err error) {
	*b, err = decodeAny(text, MaxLinkBlob)
	return err
}

// MarshalText is unpadded base64url.
func (b VaultBlob) MarshalText() ([]byte, error) { return encode(b) }

// UnmarshalText reads unpadded base64url.
func (b *VaultBlob) UnmarshalText(text []byte) (err error) {
	*b, err = decodeAny(text, MaxVault)
	return err
}
