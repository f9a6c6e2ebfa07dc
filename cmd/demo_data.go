package cmd

type demoPerson struct{ email, name, systemRole string }

type demoMember struct{ email, role string }

type demoPost struct{ title, text string }

type demoCustomer struct {
	name, site, description, brandVoice, audience, language, timeZone string
	campaign, goal                                                    string
	approval                                                          bool // by somebody else than who wrote it
	members                                                           []demoMember
	posts                                                             []demoPost
}

// Two agencies: Northlight (Ada, Ann, Ben, Vera) with two customers, Kite & Co (Cleo, Dan) with one. Olga looks
// after the whole installation. For Harbour Cycles nothing goes out that a second person has not approved.
var demoPeople = []demoPerson{
	{email: "ada@northlight.example", name: "Ada Lindqvist"},
	{email: "ann@northlight.example", name: "Ann Ngata"},
	{email: "ben@northlight.example", name: "Ben Okafor"},
	{email: "vera@northlight.example", name: "Vera Sato"},
	{email: "cleo@kite.example", name: "Cleo Marchetti"},
	{email: "dan@kite.example", name: "Dan Novak"},
	{email: "olga@fanfare.example", name: "Olga Brandt", systemRole: "admin"},
}

var demoCustomers = []demoCustomer{
	{
		name: "Blue Bottle Bakery", site: "blue-bottle-bakery",
		description: "A family bakery with three shops and a Saturday market stall.",
		brandVoice:  "Warm and plain. Short sentences. No exclamation marks.",
		audience:    "Neighbours who buy bread twice a week, and people who bake at home.",
		language:    "en", timeZone: "Europe/London",
		campaign: "Winter loaves", goal: "Sell out the rye and spelt loaves on Saturdays.",
		members: []demoMember{{"ada@northlight.example", "owner"}, {"ann@northlight.example", "admin"}, {"ben@northlight.example", "member"}, {"vera@northlight.example", "viewer"}},
		posts: []demoPost{
			{"The rye loaf is back", "Our dark rye is on the shelf again from Thursday.\n\nIt keeps for five days and makes the best toast we know: https://example.com/rye"},
			{"How we keep a starter alive for forty years", "It began in 1986 in a jam jar.\n\nHere is what we feed it, and when."},
			{"Saturday market, with soup", "This Saturday we bring soup to go with the bread."},
		},
	},
	{
		name: "Harbour Cycles", site: "harbour-cycles",
		description: "Sells and repairs city bicycles by the harbour.",
		brandVoice:  "Practical and a little dry.",
		audience:    "Commuters who ride in all weathers.",
		language:    "de", timeZone: "Europe/Berlin",
		campaign: "Lights on", goal: "Forty light checks before the clocks change.",
		members:  []demoMember{{"ada@northlight.example", "owner"}, {"ann@northlight.example", "admin"}, {"ben@northlight.example", "member"}, {"vera@northlight.example", "viewer"}},
		approval: true,
		posts: []demoPost{
			{"Licht an", "Bis Monatsende prüfen wir Ihr Licht kostenlos.\n\nEinfach vorbeikommen."},
			{"Fünf Griffe gegen Rost", "Salz ist der Feind. Diese fünf Griffe dauern zehn Minuten."},
		},
	},
	{
		name: "Juniper Hotels", site: "juniper-hotels",
		description: "Four small hotels in the hills.",
		brandVoice:  "Quiet and exact.",
		audience:    "Couples who travel by train.",
		language:    "en", timeZone: "America/New_York",
		campaign: "Off season", goal: "Fill the weekdays in February.",
		members: []demoMember{{"cleo@kite.example", "owner"}, {"dan@kite.example", "admin"}},
		posts: []demoPost{
			{"Weekdays in February", "The hills are quiet, and so are the rooms.\n\nThree nights for the price of two, Monday to Thursday."},
			{"By train to the front door", "Our shuttle meets the 14:12. Here is how to book it."},
		},
	},
}
