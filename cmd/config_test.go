package cmd

import (
	"strings"
	"testing"
)

func TestMailSettings(t *testing.T) {
	t.Parallel()
	const server, from, public = "smtp://user:s3cret@mail.example.com:587", "Fanfare <fanfare@example.com>", "https://fanfare.example.com/app/"
	for name, test := range map[string]struct {
		config mailConfig
		sends  bool
		err    string // a part of it
	}{
		"none":                        {mailConfig{}, false, ""},
		"all":                         {mailConfig{server, from, public}, true, ""},
		"an address, and no mail":     {mailConfig{PublicURL: public}, false, ""},
		"no sender":                   {mailConfig{server, "", public}, false, "FANFARE_MAIL_FROM"},
		"no address":                  {mailConfig{server, from, ""}, false, "FANFARE_PUBLIC_URL"},
		"an address without a scheme": {mailConfig{server, from, "fanfare.example.com"}, false, "FANFARE_PUBLIC_URL"},
		"an address with a query":     {mailConfig{"", "", "https://fanfare.example.com?x=1"}, false, "FANFARE_PUBLIC_URL"},
		"an address with a fragment":  {mailConfig{"", "", "https://fanfare.example.com/#"}, false, "FANFARE_PUBLIC_URL"},
		"no encryption":               {mailConfig{"smtp://mail.example.com?tls=none", from, public}, false, "tls=none"},
		"a sender that is none":       {mailConfig{server, "Fanfare", public}, false, "sender"},
		"no server":                   {mailConfig{"mail.example.com:587", from, public}, false, "smtp://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sender, err := test.config.sender()
			if (sender != nil) != test.sends || (err != nil) != (test.err != "") {
				t.Fatalf("sender %v, error %v", sender, err)
			}
			if err != nil && (!strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "s3cret")) {
				t.Errorf("%v", err)
			}
			if err == nil && strings.HasSuffix(test.config.PublicURL, "/") {
				t.Errorf("the address is %s", test.config.PublicURL)
			}
		})
	}
}
