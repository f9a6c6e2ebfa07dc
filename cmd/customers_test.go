package cmd

import (
	"testing"

	"github.com/alecthomas/kong"
)

func TestMakeCustomersSetting(t *testing.T) {
	for value, want := range map[string]string{"": "everybody", "everybody": "everybody", "system-admins": "admins", "nobody": "refused", "System-Admins": "refused"} {
		var config struct{ customersConfig }
		parser, err := kong.New(&config)
		if err != nil {
			t.Fatal(err)
		}
		var arguments []string
		if value != "" {
			arguments = append(arguments, "--make-customers="+value)
		}
		got := "everybody"
		if _, err := parser.Parse(arguments); err != nil {
			got = "refused"
		} else if config.adminsOnly() {
			got = "admins"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}
