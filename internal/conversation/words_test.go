package conversation

import (
	"reflect"
	"testing"
	"time"

	"fanfare/internal/platform"
)

func TestUnderstand(t *testing.T) {
	t.Parallel()
	link := "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	for text, want := range map[string]wish{
		"/start":                       {kind: wishHelp},
		"/start " + link:               {kind: wishPair, link: link},
		"/start@fanfare_bot 123456":    {kind: wishPair, code: "123456"},
		"123456":                       {kind: wishPair, code: "123456"},
		" 123 456 ":                    {kind: wishPair, code: "123456"},
		"/pair 123-456":                {kind: wishPair, code: "123456"},
		"pair 123456":                  {kind: wishPair, code: "123456"},
		"Pair 123-456 ":                {kind: wishPair, code: "123456"},
		"pair the two":                 {},
		"pair 1234567":                 {},
		"/pair":                        {kind: wishPair},
		"/help@bot":                    {kind: wishHelp},
		"Hilfe!":                       {kind: wishHelp},
		"/status":                      {kind: wishStatus},
		"write a post about rye bread": {kind: wishWrite, about: "rye bread"},
		"Please write me a short post on: rye\nand wheat": {kind: wishWrite, about: "rye\nand wheat"},
		"Schreib einen Beitrag über unser Sommerfest":     {kind: wishWrite, about: "unser Sommerfest"},
		"/write rye bread":                                  {kind: wishWrite, about: "rye bread"},
		"/post a tweet about x":                             {kind: wishWrite, about: "a tweet about x"},
		"write a post for twitter about rye":                {kind: wishWrite, about: "rye", platforms: []platform.Name{platform.Twitter}},
		"Write a post about rye on LinkedIn.":               {kind: wishWrite, about: "rye", platforms: []platform.Name{platform.LinkedIn}},
		"write a post on Facebook and LinkedIn: rye":        {kind: wishWrite, about: "rye", platforms: []platform.Name{platform.LinkedIn, platform.Facebook}},
		"Schreib einen Beitrag für X und Ghost über Brot":   {kind: wishWrite, about: "Brot", platforms: []platform.Name{platform.Twitter, platform.Ghost}},
		"Schreib einen Beitrag über Brot auf LinkedIn":      {kind: wishWrite, about: "Brot", platforms: []platform.Name{platform.LinkedIn}},
		"write a tweet about rye":                           {kind: wishWrite, about: "rye", platforms: []platform.Name{platform.Twitter}},
		"write a post about how we left twitter":            {kind: wishWrite, about: "how we left twitter"},
		"write a post about Twitter: what has become of it": {kind: wishWrite, about: "Twitter: what has become of it"},
		"write a post for mothers on the x axis":            {kind: wishWrite, about: "mothers on the x axis"},
		"/write rye on Mailchimp":                           {kind: wishWrite, about: "rye", platforms: []platform.Name{platform.Mailchimp}},
		"/write a text for X about rye":                     {kind: wishWrite, about: "a text for X about rye"},
		"remember that we close at six":                     {kind: wishRemember, about: "we close at six"},
		"Bitte merk dir, dass wir um sechs schließen":       {kind: wishRemember, about: "wir um sechs schließen"},
		"/remember no emoji":                                {kind: wishRemember, about: "no emoji"},
		"remember":                                          {},
		"write a post":                                      {kind: wishWrite},
		"write a post for LinkedIn, please":                 {kind: wishWrite, platforms: []platform.Name{platform.LinkedIn}},
		"write a post about bread for TikTok":               {kind: wishWrite, about: "bread", unknown: []string{"TikTok"}},
		"write a post for TikTok about bread":               {kind: wishWrite, about: "bread", unknown: []string{"TikTok"}},
		"write a post about bread for Instagram and X":      {kind: wishWrite, about: "bread", platforms: []platform.Name{platform.Twitter}, unknown: []string{"Instagram"}},
		"write a post for X, Myspace and Ghost: bread":      {kind: wishWrite, about: "bread", platforms: []platform.Name{platform.Twitter, platform.Ghost}, unknown: []string{"Myspace"}},
		"write a post about guests for X, please":           {kind: wishWrite, about: "guests", platforms: []platform.Name{platform.Twitter}},
		"Please write a post about guests on LinkedIn!":     {kind: wishWrite, about: "guests", platforms: []platform.Name{platform.LinkedIn}},
		"write a post about bread, thank you.":              {kind: wishWrite, about: "bread"},
		"write a post about bread for our guests":           {kind: wishWrite, about: "bread for our guests"},
		"write a post about bread for Christmas and Easter": {kind: wishWrite, about: "bread for Christmas and Easter"},
		"Schreib einen Beitrag über Brot für Kinder, bitte": {kind: wishWrite, about: "Brot für Kinder"},
		"write a post about the threads for x and y":        {kind: wishWrite, about: "the threads for x and y"},
		"write a newsletter about bread":                    {kind: wishWrite, about: "bread", platforms: []platform.Name{platform.Mailchimp}},
		"write a newsletter about bread for Ghost":          {kind: wishWrite, about: "bread", platforms: []platform.Name{platform.Ghost}},
		"can you draft a tweet about cookies?":              {kind: wishWrite, about: "cookies", platforms: []platform.Name{platform.Twitter}},
		"Could you please write me a post about cookies?":   {kind: wishWrite, about: "cookies"},
		"write a linkedin post about bread":                 {kind: wishWrite, about: "bread", platforms: []platform.Name{platform.LinkedIn}},
		"write an X and Facebook post on bread":             {kind: wishWrite, about: "bread", platforms: []platform.Name{platform.Twitter, platform.Facebook}},
		"write a tiktok post about bread":                   {kind: wishWrite, about: "bread", unknown: []string{"tiktok"}},
		"Schreib einen LinkedIn-Beitrag über Brot":          {kind: wishWrite, about: "Brot", platforms: []platform.Name{platform.LinkedIn}},
		"write a fence post about":                          {},
		"/write":                                            {kind: wishWrite},
		"/write about groups":                               {kind: wishWrite, about: "groups"},
		"/write for TikTok: bread":                          {kind: wishWrite, about: "bread", unknown: []string{"TikTok"}},
		"/remember":                                         {kind: wishRemember},
		"/start old-link":                                   {kind: wishBadLink},
		"/hilfe":                                            {kind: wishHelp},
		"/publish":                                          {kind: wishPress},
		"publish it":                                        {kind: wishPress},
		"schedule it tomorrow at 9":                         {kind: wishPress},
		"Please edit the post":                              {kind: wishPress},
		"publishing it is":                                  {},
		"write a letter to mum":                             {},
		"1234567":                                           {},
		"12345":                                             {},
		"":                                                  {},
		"/unknown":                                          {},
		"/":                                                 {},
	} {
		if got := understand(text); !reflect.DeepEqual(got, want) {
			t.Errorf("understand(%q) = %+v, want %+v", text, got, want)
		}
	}
}

func TestParseWhen(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 15, 30, 0, 0, time.UTC) // a Sunday, 16:30 in Berlin
	for text, want := range map[string]string{
		"tomorrow 9:00":     "2026-11-23T09:00",
		"Tomorrow at 9":     "2026-11-23T09:00",
		"tomorrow":          "2026-11-23T09:00",
		"today 18:15":       "2026-11-22T18:15",
		"morgen um 9 Uhr":   "2026-11-23T09:00",
		"friday 14:30":      "2026-11-27T14:30",
		"on sunday at 8pm":  "2026-11-29T20:00",
		"in 2 hours":        "2026-11-22T18:30",
		"in an hour":        "2026-11-22T17:30",
		"in 45 minutes":     "2026-11-22T17:15",
		"in 3 days":         "2026-11-25T16:30",
		"2026-12-24 18:00":  "2026-12-24T18:00",
		"2026-12-24":        "2026-12-24T09:00",
		"24.12. 18 Uhr":     "2026-12-24T18:00",
		"1.2. 12:00":        "2027-02-01T12:00",
		"24.12.2027, 18:00": "2027-12-24T18:00",
		"17:00":             "2026-11-22T17:00",
		"9:00":              "2026-11-23T09:00",
		"12am":              "2026-11-23T00:00",
		"at 7pm":            "2026-11-22T19:00",
	} {
		if got, ok := parseWhen(text, now, berlin); !ok || got != want {
			t.Errorf("parseWhen(%q) = %q, %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "soon", "25:00", "31.2. 10:00", "2026-02-30", "today 9:61", "13pm", "9", "now and then", "yesterday 9:00", "in 2 weeks"} {
		if got, ok := parseWhen(text, now, berlin); ok {
			t.Errorf("parseWhen(%q) = %q, want nothing", text, got)
		}
	}
}

func FuzzUnderstand(f *testing.F) {
	f.Add("/start@x y")
	f.Add("write a post about: ")
	f.Fuzz(func(t *testing.T, text string) {
		understand(text)
		parseWhen(text, time.Unix(0, 0), time.UTC)
		if verb, _, _, ok := pressedButton(text); ok && verb == "" && text[0] != ':' {
			t.Errorf("%q is a button without a verb", text)
		}
	})
}
