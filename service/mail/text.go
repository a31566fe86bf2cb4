package mail

import "fmt"

// The texts end every line themselves; service is the service's name.

// Code is for somebody who signs up.
func Code(service, code string) Message {
	return Message{
		Subject: "Your code for " + service, Code: code,
		Text: fmt.Sprintf("Your code to sign up at %s:\n\n    %s\n\nIt is good for ten minutes. If you did not ask for it, ignore this mail:\nnothing happens without the code.\n", service, spaced(code)),
	}
}

// Known is for somebody who signs up a second time.
func Known(service string) Message {
	return Message{
		Subject: "You have an account at " + service,
		Text:    fmt.Sprintf("Somebody wanted to sign up at %s with this address, which has an account\nalready. If it was you: link the new device from one that you use, or use your\nrecovery kit; if you have neither, ask whoever runs the service. If it was not, ignore this mail.\n", service),
	}
}

// Recovery is for somebody who uses a recovery kit.
func Recovery(service, code string) Message {
	return Message{
		Subject: "Recovery of your account at " + service, Code: code,
		Text: fmt.Sprintf("Your recovery kit was used at %s. The code to go on:\n\n    %s\n\nIt is good for ten minutes. If it was not you, somebody has your kit: make a\nnew one in the settings of your account, which ends the old one.\n", service, spaced(code)),
	}
}

func spaced(code string) string {
	if len(code) != 8 {
		return code
	}
	return code[:4] + " " + code[4:]
}
