package platform_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// campaignBundle is a publishBundle of an audience at Mailchimp.
type campaignBundle struct {
	*publishBundle
	token string
}

func setupMailchimp(t *testing.T) *campaignBundle {
	t.Helper()
	c := setupConnect(t)
	tokens := c.connect(platform.Mailchimp, "30001")
	login := c.login(platform.Mailchimp, tokens)
	b := &campaignBundle{newPublish(c, platform.Mailchimp), tokens.AccessToken}
	b.credential = login.Accounts[0].Credential
	b.publisher = platform.NewMailchimp(platform.MailchimpConfig{APIURL: b.base + "/mailchimp-api/{dc}"})
	b.post = platform.Post{
		ID: uuid.New(), Title: "Fresh bread", Text: "Every morning.\n\nSee https://bakery.example/?a=1&b=2.",
		Media:   []platform.Media{picture(t, 200, `A loaf & "more"`)},
		Options: platform.Options{PreviewText: "From six on"},
	}
	return b
}

// byHand is what a person does in Mailchimp.
func (b *campaignBundle) byHand(method, path, body string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+"/mailchimp-api/us6/3.0"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	resp, err := platform.NewEgress(loopback).Client().Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode > 299 {
		b.t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
}

func (b *campaignBundle) campaigns(n int) []sandbox.MailchimpCampaign {
	b.t.Helper()
	campaigns := b.box.MailchimpCampaigns()
	if len(campaigns) != n {
		b.t.Fatalf("%d campaigns, want %d: %+v", len(campaigns), n, campaigns)
	}
	return campaigns
}

// wantOnce checks that the campaign was sent, once, and that there is none beside it.
func (b *campaignBundle) wantOnce() {
	b.t.Helper()
	b.only()
	b.campaigns(1)
}
