package conversation

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/chat"
	"fanfare/internal/inprocess"
	"fanfare/internal/platform"
)

// post is what the conversation needs to know of a post.
type post struct {
	ID             uuid.UUID `json:"id"`
	Title          string    `json:"title"`
	Text           string    `json:"text"`
	State          string    `json:"state"`
	ScheduledLocal *string   `json:"scheduled_local"`
	TimeZone       string    `json:"time_zone"`
	ApprovedAt     *string   `json:"approved_at"`
	PlatformPosts  []struct {
		ID            uuid.UUID       `json:"id"`
		IntegrationID uuid.UUID       `json:"integration_id"`
		Platform      string          `json:"platform"`
		Text          string          `json:"text"`
		OwnText       bool            `json:"own_text"`
		MediaIDs      *[]uuid.UUID    `json:"media_ids"`
		Options       json.RawMessage `json:"options"`
		State         string          `json:"state"`
		ExternalURL   *string         `json:"external_url"`
		Problem       *string         `json:"problem"`
	} `json:"platform_posts"`
	// etag is its version.
	etag string
}

// The verbs of buttons. A button's data is the verb, the post, and the version that the person sees.
const (
	verbApprove  = "ap"
	verbPublish  = "pn"
	verbEdit     = "ed"
	verbEditOne  = "eo" // and the number of the platform in place of the version
	verbSchedule = "sc"
	verbSlot     = "sl"
	verbAt       = "at"
	verbDiscard  = "dc"
	verbRetry    = "rt"
	verbShow     = "sh"
	verbBack     = "bk"
	verbSubmit   = "su"
	verbEditAll  = "ea"
	verbTakeBack = "tb"
	verbWithdraw = "wd"
)

// button makes a button's data: at most 2+1+22+1+20 bytes.
func button(text, verb string, p *post) chat.Button {
	return chat.Button{Text: text, Data: verb + ":" + base64.RawURLEncoding.EncodeToString(p.ID[:]) + ":" + strings.Trim(p.etag, `"v`)}
}

// pressedButton reads a button's data; false: it is none of ours.
func pressedButton(data string) (verb string, id uuid.UUID, rest string, ok bool) {
	parts := strings.SplitN(data, ":", 3)
	if len(parts) != 3 {
		return "", uuid.Nil, "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", uuid.Nil, "", false
	}
	id, err = uuid.FromBytes(raw)
	return parts[0], id, parts[2], err == nil
}

func (s *speech) read(id uuid.UUID) (*post, error) {
	s.post = id
	p := new(post)
	header, err := s.call(http.MethodGet, []string{"posts", id.String()}, "", nil, p)
	p.etag = header.Get("ETag")
	return p, err
}

// account is a connected account.
type account struct {
	ID       uuid.UUID `json:"id"`
	Platform string    `json:"platform"`
	Name     string    `json:"name"`
	State    string    `json:"state"`
}

// accounts are the customer's.
func (s *speech) accounts() ([]account, error) {
	var list struct {
		Items []account `json:"items"`
	}
	err := s.get([]string{"integrations"}, map[string][]string{"limit": {"100"}}, &list)
	return list.Items, err
}

// titles are what platforms are called, as a list in words.
func titles(names []platform.Name) string {
	var said []string
	for _, name := range names {
		said = append(said, name.Title())
	}
	return listed(said)
}

// listed is a list in words.
func listed(words []string) string {
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return strings.Join(words, "")
}

// topicGiven takes what the person says for what a post is to be about.
func (s *speech) topicGiven(text string) (Answer, error) {
	if text == "" {
		return s.ask("I read text only. What shall the post be about?", *s.State), nil
	}
	w := wishAbout(text)
	if len(w.platforms)+len(w.unknown) == 0 {
		w.platforms = s.State.Platforms
	}
	return s.write(w)
}

// write has a post drafted for every connected platform, or those that were named.
func (s *speech) write(w wish) (Answer, error) {
	if len(w.unknown) > 0 {
		return say("I do not know " + listed(w.unknown) + ", and have written nothing. I know " + titles(platform.Names) + ": ask me again for some of these, or without naming any for all that are connected."), nil
	}
	if w.about == "" {
		return s.ask("What shall the post be about?", State{Awaiting: awaitsTopic, Platforms: w.platforms}), nil
	}
	connected, err := s.accounts()
	if err != nil {
		return Answer{}, err
	}
	var platforms, missing []platform.Name
	for _, name := range platform.Names {
		there := slices.ContainsFunc(connected, func(a account) bool { return a.Platform == string(name) && a.State == "active" })
		switch asked := slices.Contains(w.platforms, name); {
		case there && (asked || len(w.platforms) == 0):
			platforms = append(platforms, name)
		case asked:
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) > 0:
		return say("No account is connected for " + titles(missing) + ". Connect one in the dashboard, or ask me for a post without it."), nil
	case len(platforms) == 0:
		return say("There is nothing to publish on: no account is connected. Connect one in the dashboard, then ask me again."), nil
	}
	if s.Say != nil {
		s.Say(s.ctx, chat.Message{Text: "I am writing for " + titles(platforms) + " …"})
	}
	s.told = true
	var drafted struct {
		Posts []struct {
			Post      post `json:"post"`
			Platforms []struct {
				Platform   string `json:"platform"`
				Violations []struct {
					Message string `json:"message"`
				} `json:"violations"`
			} `json:"platforms"`
		} `json:"posts"`
	}
	if _, err := s.call(http.MethodPost, []string{"posts", "generate"}, "", map[string]any{"prompt": w.about, "platforms": platforms}, &drafted); err != nil {
		return Answer{}, err
	}
	var all Answer
	for _, d := range drafted.Posts {
		var notes []string
		for _, on := range d.Platforms {
			for _, v := range on.Violations {
				notes = append(notes, platform.Name(on.Platform).Title()+": "+v.Message)
			}
		}
		before := ""
		if len(notes) > 0 {
			before = "This breaks rules and must be edited before it can go out:\n" + strings.Join(notes, "\n")
		}
		one, err := s.show(d.Post.ID, before)
		if err != nil {
			return Answer{}, err
		}
		all.Messages = append(all.Messages, one.Messages...)
	}
	return all, nil
}

// show shows a post as it is now, with what can be done about it. before stands above it.
func (s *speech) show(id uuid.UUID, before string) (Answer, error) {
	p, err := s.read(id)
	if err != nil {
		return Answer{}, err
	}
	return s.showAs(p, before)
}

// showAs shows a post that was read.
func (s *speech) showAs(p *post, before string) (Answer, error) {
	may, err := s.rules()
	if err != nil {
		return Answer{}, err
	}
	accounts, err := s.accounts()
	if err != nil {
		return Answer{}, err
	}
	return Answer{Messages: []chat.Message{{Text: shown(p, before, accounts, may, s.Now), Buttons: choices(p, may, s.Now)}}}, nil
}

// showOnWay shows a post that was sent on its way at this moment: nothing can be done about it until it is told what became of it.
func (s *speech) showOnWay(id uuid.UUID, before string) (Answer, error) {
	answer, err := s.show(id, before)
	for i := range answer.Messages {
		answer.Messages[i].Buttons = nil
	}
	return answer, err
}

// rules are what the conversation knows of who may do what, so as to offer nothing that would be refused. The API decides.
type rules struct {
	// approvalRequired: somebody must approve what goes out.
	approvalRequired bool
	// writes and publishes: the person may change posts, and may put them on their way.
	writes, publishes bool
	// approves: they may approve what waits for it, or in a group somebody may; approvesOwn: they may approve what they have just submitted.
	approves, approvesOwn bool
	// group: others read along.
	group bool
}

// rules reads them. In a group others may read along who may approve. In a chat of one person nearly all that waits was written and
// submitted by them.
func (s *speech) rules() (rules, error) {
	var customer struct {
		ApprovalRequired bool     `json:"approval_required"`
		SelfApproval     bool     `json:"self_approval"`
		Permissions      []string `json:"permissions"`
		MayApprove       bool     `json:"may_approve"`
	}
	_, err := s.call(http.MethodGet, nil, "", nil, &customer)
	group := s.Update.Chat.Kind == chat.Group
	var refused *inprocess.Problem
	if errors.As(err, &refused) && refused.Status == http.StatusForbidden { // they may not see the customer, and its rules neither
		return rules{writes: true, publishes: true, group: group}, nil
	}
	own := customer.MayApprove && customer.SelfApproval
	return rules{
		approvalRequired: customer.ApprovalRequired,
		writes:           slices.Contains(customer.Permissions, "posts:write"), publishes: slices.Contains(customer.Permissions, "posts:publish"),
		approves: own || group, approvesOwn: own, group: group,
	}, err
}

// shown is a post in words.
func shown(p *post, before string, accounts []account, may rules, now time.Time) string {
	var text strings.Builder
	if before != "" {
		text.WriteString(before + "\n\n")
	}
	text.WriteString(heading(p, now))
	if p.Title != "" {
		text.WriteString(": " + p.Title)
	}
	var failed []string
	for _, pp := range p.PlatformPosts {
		o := PlatformOutcome{Platform: pp.Platform, State: pp.State}
		if pp.ExternalURL != nil {
			o.URL = *pp.ExternalURL
		}
		if pp.Problem != nil {
			o.Problem = *pp.Problem
		}
		if o.URL != "" || o.Problem != "" || p.State == "partially_published" || p.State == "failed" {
			text.WriteString("\n" + o.line())
		}
		if pp.State == "failed" {
			failed = append(failed, platform.Name(pp.Platform).Title())
		}
	}
	for _, said := range texts(p) {
		text.WriteString("\n\n")
		if said.on != "" {
			text.WriteString(said.on + ":\n")
		}
		text.WriteString(said.text)
	}
	switch p.State {
	case "draft", "pending_approval", "approved", "scheduled", "cancelled":
		text.WriteString("\n\n" + goesTo(p, accounts))
	case "partially_published":
		if len(failed) > 0 {
			text.WriteString("\n\n" + anew(failed))
		}
	}
	if note := note(p, may); note != "" {
		text.WriteString("\n\n" + note)
	}
	return text.String()
}

// saidOn is a text with the platforms on which a post says it.
type saidOn struct{ on, text string }

// texts are what a post says, each text once.
func texts(p *post) []saidOn {
	if len(p.PlatformPosts) == 0 {
		return []saidOn{{"", p.Text}}
	}
	var all []saidOn
	for _, pp := range p.PlatformPosts {
		title := platform.Name(pp.Platform).Title()
		if i := slices.IndexFunc(all, func(said saidOn) bool { return said.text == pp.Text }); i >= 0 {
			all[i].on += ", " + title
		} else {
			all = append(all, saidOn{title, pp.Text})
		}
	}
	return all
}

// goesTo says on which accounts a post is published.
func goesTo(p *post, accounts []account) string {
	if len(p.PlatformPosts) == 0 {
		return "(It names no platform yet.)"
	}
	names := make([]string, 0, len(p.PlatformPosts))
	for _, pp := range p.PlatformPosts {
		name := platform.Name(pp.Platform).Title()
		if i := slices.IndexFunc(accounts, func(a account) bool { return a.ID == pp.IntegrationID }); i >= 0 && accounts[i].Name != "" {
			name += " (" + accounts[i].Name + ")"
		}
		names = append(names, name)
	}
	return "Goes to: " + strings.Join(names, ", ")
}

// note says what somebody else must do, where the person can do nothing.
func note(p *post, may rules) string {
	toApprove := may.approvalRequired && p.ApprovedAt == nil
	switch p.State {
	case "pending_approval":
		if toApprove && may.group && may.approves {
			return "Somebody who may approve it does that here or in the dashboard."
		}
		if toApprove && !may.approves {
			return "Somebody else has to approve it, in the dashboard."
		}
	case "draft", "approved", "cancelled":
		if !may.publishes && (!toApprove || !may.writes) {
			return "You cannot publish from this chat. The team finds it in the dashboard."
		}
	}
	return ""
}

// due tells whether a post is about to be taken up: its time has come.
func (p *post) due(now time.Time) bool {
	if p.State != "scheduled" || p.ScheduledLocal == nil {
		return false
	}
	at, err := time.Parse(time.RFC3339, *p.ScheduledLocal)
	return err == nil && at.Before(now.Add(5*time.Second))
}

// heading says how it stands.
func heading(p *post, now time.Time) string {
	if p.due(now) {
		return "On its way"
	}
	text := strings.ToUpper(p.State[:1]) + strings.ReplaceAll(p.State[1:], "_", " ")
	if p.ScheduledLocal != nil && (p.State == "scheduled" || p.State == "pending_approval" || p.State == "approved") {
		text += ", for " + spokenTime(*p.ScheduledLocal) + " (" + p.TimeZone + ")"
	}
	return text
}

// spokenTime is a time of the API's for people.
func spokenTime(local string) string {
	at, err := time.Parse(time.RFC3339, local)
	if err != nil {
		return local
	}
	return at.Format(spokenLayout)
}

// spokenLayout is how times are said.
const spokenLayout = "Monday, 2 January 2006, 15:04"

// choices are the buttons below a post: what the person can do with it as it is.
func choices(p *post, may rules, now time.Time) [][]chat.Button {
	if len(p.PlatformPosts) == 0 {
		return nil
	}
	var first, second []chat.Button
	toApprove := may.approvalRequired && p.ApprovedAt == nil && p.State != "scheduled"
	switch {
	case toApprove && (p.State == "pending_approval" && may.approves || may.approvesOwn):
		first = append(first, button("Approve", verbApprove, p))
	case toApprove && p.State != "pending_approval" && may.writes:
		first = append(first, button("Submit for approval", verbSubmit, p))
	case toApprove || !may.publishes:
	case p.State == "failed" || p.State == "partially_published":
		first = append(first, button("Try again", verbRetry, p))
	case !p.due(now):
		first = append(first, button("Publish now", verbPublish, p))
	}
	edit := button("Edit", verbEdit, p)
	switch p.State {
	case "draft", "pending_approval", "cancelled":
		if may.writes {
			first = append(first, edit)
		}
		if may.publishes || may.approvalRequired && may.writes && p.State != "pending_approval" { // then it is submitted with its time
			first = append(first, button("Schedule", verbSchedule, p))
		}
		if may.writes && p.State == "pending_approval" {
			second = append(second, button("Withdraw", verbWithdraw, p))
		}
		if (may.writes || may.publishes) && p.State != "cancelled" {
			second = append(second, button("Discard", verbDiscard, p))
		}
	case "approved", "scheduled":
		if !p.due(now) && may.writes && may.publishes {
			first = append(first, edit)
		}
		if again := map[string]string{"approved": "Schedule", "scheduled": "Reschedule"}[p.State]; !p.due(now) && may.publishes {
			first = append(first, button(again, verbSchedule, p))
		}
		if may.publishes {
			second = append(second, button("Take back", verbTakeBack, p))
		}
	case "failed":
		if may.writes {
			first = append(first, edit)
		}
	case "partially_published":
	default:
		return nil
	}
	var rows [][]chat.Button
	for _, row := range [][]chat.Button{first, second} {
		if len(row) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// pressed does what a button says.
func (s *speech) pressed() (Answer, error) {
	verb, id, rest, ok := pressedButton(s.Update.Button)
	if !ok {
		return say("That button is none of mine any more."), nil
	}
	s.post = id
	seen := `"v` + rest + `"`
	answer, err := s.doPressed(verb, id, rest, seen)
	if err == nil && verb != verbShow {
		answer = s.inPlace(answer)
	}
	return answer, err
}

func (s *speech) doPressed(verb string, id uuid.UUID, rest, seen string) (Answer, error) {
	path := []string{"posts", id.String()}
	switch verb {
	case verbShow, verbBack:
		return s.show(id, "")
	case verbSubmit:
		if _, err := s.submit(path, id, seen, nil); err != nil {
			return Answer{}, err
		}
		return s.show(id, "It waits for approval now.")
	case verbApprove:
		return s.approve(path, id, seen)
	case verbPublish:
		if _, err := s.call(http.MethodPost, append(path, "publish"), seen, nil, nil); err != nil {
			return Answer{}, err
		}
		return s.showOnWay(id, "On its way. I tell you when it is out.")
	case verbSlot:
		if _, err := s.call(http.MethodPost, append(path, "queue"), seen, nil, nil); err != nil {
			return Answer{}, err
		}
		return s.show(id, "It goes out in the next free slot.")
	case verbWithdraw:
		if _, err := s.call(http.MethodPost, append(path, "withdraw"), seen, nil, nil); err != nil {
			return Answer{}, err
		}
		return s.show(id, "Withdrawn: nobody is asked to approve it any more.")
	case verbDiscard, verbTakeBack:
		if _, err := s.call(http.MethodPost, append(path, "cancel"), seen, nil, nil); err != nil {
			return Answer{}, err
		}
		if verb == verbDiscard {
			return say("Discarded. Nothing is published; it stays in the dashboard, as cancelled."), nil
		}
		return say("Taken back. It does not go out; it stays in the dashboard, as cancelled."), nil
	case verbRetry:
		return s.retry(id)
	case verbEdit:
		return s.edit(id)
	case verbEditAll:
		return s.editAll(id)
	case verbEditOne:
		return s.editOne(id, rest)
	case verbSchedule:
		return s.askTime(id, seen)
	case verbAt:
		return s.scheduleIn(id, rest)
	}
	return say("That button is none of mine any more."), nil
}

// approve approves what the person has seen. Whoever may not has submitted it, and is told why they may not.
func (s *speech) approve(path []string, id uuid.UUID, seen string) (Answer, error) {
	submitted, err := s.submit(path, id, seen, nil)
	if err != nil {
		return Answer{}, err
	}
	if submitted != "" {
		seen = submitted // the same, as it waits now
	}
	_, err = s.call(http.MethodPost, append(path, "approve"), seen, nil, nil)
	var refused *inprocess.Problem
	if errors.As(err, &refused) && refused.Status == http.StatusForbidden {
		return s.show(id, reason(refused))
	}
	if err != nil {
		return Answer{}, err
	}
	return s.show(id, "Approved.")
}

// submit submits what the person has seen, and gives its version then; "" where it waits already. It is asked for in any state, since
// what this update has submitted waits too when the update is handled again, and the answer is the same then.
func (s *speech) submit(path []string, id uuid.UUID, seen string, body any) (version string, err error) {
	p, err := s.read(id)
	if err != nil {
		return "", err
	}
	header, err := s.call(http.MethodPost, append(path, "submit"), seen, body, nil)
	var refused *inprocess.Problem
	if waits := p.State == "pending_approval" || p.State == "approved"; waits && errors.As(err, &refused) &&
		(refused.Status == http.StatusConflict || refused.Status == http.StatusForbidden) {
		return "", nil
	}
	return header.Get("ETag"), err
}

// retry publishes again what has failed.
func (s *speech) retry(id uuid.UUID) (Answer, error) {
	p, err := s.read(id)
	if err != nil {
		return Answer{}, err
	}
	tried := 0
	for i, pp := range p.PlatformPosts {
		if pp.State != "failed" {
			continue
		}
		s.calls = i // each has a key of its own, also where those before it are not failed any more
		if _, err := s.call(http.MethodPost, []string{"posts", id.String(), "platform-posts", pp.ID.String(), "retry"}, "", nil, nil); err != nil {
			return Answer{}, err
		}
		tried++
	}
	if tried == 0 {
		return s.show(id, "There is nothing to try again.")
	}
	return s.showOnWay(id, "I try again, and tell you what becomes of it.")
}

// edit asks for another text, of one platform where they differ.
func (s *speech) edit(id uuid.UUID) (Answer, error) {
	p, err := s.read(id)
	if err != nil {
		return Answer{}, err
	}
	if len(p.PlatformPosts) < 2 {
		return s.editOne(id, "0")
	}
	if said := frozen(p, s.Now); said != "" {
		return s.show(id, said)
	}
	var rows [][]chat.Button
	for i, pp := range p.PlatformPosts {
		one := button(platform.Name(pp.Platform).Title(), verbEditOne, p)
		one.Data = one.Data[:strings.LastIndexByte(one.Data, ':')+1] + strconv.Itoa(i)
		rows = append(rows, []chat.Button{one})
	}
	rows = append(rows, []chat.Button{button("All", verbEditAll, p), button("Back", verbBack, p)})
	return Answer{Messages: []chat.Message{{Text: "On which platform shall it say something else?", Buttons: rows}}}, nil
}

// frozen says why a post's texts cannot be changed any more, "" where they can.
func frozen(p *post, now time.Time) string {
	switch p.State {
	case "published", "partially_published", "needs_attention":
		return "It is out already, and cannot be changed any more."
	case "publishing":
		return "It is on its way already, and cannot be changed any more."
	}
	if p.due(now) {
		return "It is on its way already."
	}
	return ""
}

func (s *speech) editOne(id uuid.UUID, which string) (Answer, error) {
	p, err := s.read(id)
	if err != nil {
		return Answer{}, err
	}
	i, err := strconv.Atoi(which)
	if err != nil || i < 0 || i >= len(p.PlatformPosts) {
		return s.show(id, "That button is none of mine any more.")
	}
	pp := p.PlatformPosts[i]
	return s.askText(p, platform.Name(pp.Platform).Title(), pp.Text, &pp.ID)
}

func (s *speech) editAll(id uuid.UUID) (Answer, error) {
	p, err := s.read(id)
	if err != nil {
		return Answer{}, err
	}
	return s.askText(p, "all platforms", p.Text, nil)
}

// askText asks for another text, on one platform or, with nil, on all.
func (s *speech) askText(p *post, where, now string, on *uuid.UUID) (Answer, error) {
	if said := frozen(p, s.Now); said != "" {
		return s.show(p.ID, said)
	}
	return Answer{
		Messages: []chat.Message{{Text: "Send me the new text for " + where + ", " + s.orCancel() + " It is now:\n\n" + now}},
		State:    &State{Awaiting: awaitsText, PostID: p.ID, Platform: on, Version: p.etag, Until: s.Now.Add(stateLasts)},
	}, nil
}

// textGiven takes what the person says for the new text. Where it is refused it is asked for again, since nobody writes a text to
// have it forgotten.
func (s *speech) textGiven(text string) (Answer, error) {
	s.post = s.State.PostID
	if text == "" {
		return Answer{Messages: []chat.Message{{Text: "I read text only. Send me the new text, " + s.orCancel()}}, State: s.State}, nil
	}
	p, err := s.read(s.State.PostID)
	if err != nil {
		return Answer{}, err
	}
	change, done := rewritten(p, s.State.Platform, text)
	if done { // before, if this is a repetition
		return s.show(p.ID, "Changed.")
	}
	if change == nil {
		return s.show(p.ID, "That platform is not part of it any more.")
	}
	_, err = s.call(http.MethodPatch, []string{"posts", p.ID.String()}, s.State.Version, change, nil)
	var refused *inprocess.Problem
	switch {
	case err == nil:
		return s.showRewritten(p)
	case !errors.As(err, &refused):
		return Answer{}, err
	}
	again := *s.State
	switch refused.Status {
	case http.StatusPreconditionFailed:
		if frozen(p, s.Now) != "" {
			return s.show(p.ID, frozen(p, s.Now)+" I have not used what you wrote.")
		}
		again.Version = p.etag
		answer, err := s.changed()
		answer.Messages = append(answer.Messages, chat.Message{Text: "What you wrote is not used yet. Send it again to have it in place of what stands there now, " + s.orCancel()})
		answer.State = &again
		return answer, err
	case http.StatusUnprocessableEntity, http.StatusConflict:
		if frozen(p, s.Now) != "" {
			return s.show(p.ID, frozen(p, s.Now)+" I have not used what you wrote.")
		}
		return Answer{Messages: []chat.Message{{Text: reason(refused) + "\n\nNothing is changed. Send me another text, " + s.orCancel()}}, State: &again}, nil
	}
	return Answer{}, err
}

// showRewritten shows a post after its text was changed, and says what that means for what was planned.
func (s *speech) showRewritten(before *post) (Answer, error) {
	p, err := s.read(before.ID)
	if err != nil {
		return Answer{}, err
	}
	said := "Changed."
	switch {
	case p.State == "pending_approval" && before.State != p.State:
		said = "Changed. It must be approved again before it goes out."
	case p.State == "scheduled":
		said = "Changed. It goes out at its time."
	}
	return s.showAs(p, said)
}

// rewritten is the change with which a post says the text on one platform, or with nil on all; done: it does already. nil: the
// platform is not part of the post.
func rewritten(p *post, on *uuid.UUID, text string) (change map[string]any, done bool) {
	var platforms []map[string]any
	found, same := on == nil, true
	for _, pp := range p.PlatformPosts {
		one := map[string]any{"integration_id": pp.IntegrationID, "options": pp.Options}
		if pp.OwnText && on != nil {
			one["text"] = pp.Text
		}
		if pp.MediaIDs != nil {
			one["media_ids"] = *pp.MediaIDs
		}
		if on == nil || pp.ID == *on {
			same = same && pp.Text == text
		}
		if on != nil && pp.ID == *on {
			one["text"], found = text, true
		}
		platforms = append(platforms, one)
	}
	if !found {
		return nil, false
	}
	change = map[string]any{"platforms": platforms}
	if on == nil {
		change["text"] = text
		same = same && p.Text == text
	}
	return change, same
}

// askTime asks when a post is to go out, as the person has seen it.
func (s *speech) askTime(id uuid.UUID, seen string) (Answer, error) {
	p, err := s.read(id)
	if err != nil {
		return Answer{}, err
	}
	if p.etag != seen {
		return s.changed()
	}
	in := func(text, when string) chat.Button {
		b := button(text, verbAt, p)
		version := strings.LastIndexByte(b.Data, ':') + 1
		b.Data = b.Data[:version] + when + "." + b.Data[version:]
		return b
	}
	return Answer{
		Messages: []chat.Message{{
			Text:    "When shall it go out? For example “tomorrow 9:00”, “friday 14:30” or “2026-12-24 18:00” (" + p.TimeZone + ").",
			Buttons: [][]chat.Button{{in("In an hour", "1h"), in("Tomorrow 9:00", "1d")}, {button("Next free slot", verbSlot, p)}},
		}},
		State: &State{Awaiting: awaitsTime, PostID: id, Version: p.etag, Until: s.Now.Add(stateLasts)},
	}, nil
}

// scheduleIn schedules for a button's time, counted from when it was pressed.
func (s *speech) scheduleIn(id uuid.UUID, rest string) (Answer, error) {
	when, version, _ := strings.Cut(rest, ".")
	p, err := s.read(id)
	if err != nil {
		return Answer{}, err
	}
	words := map[string]string{"1h": "in 1 hour", "1d": "tomorrow 9:00"}[when]
	local, ok := s.when(words, p)
	if !ok {
		return s.show(id, "That button is none of mine any more.")
	}
	return s.schedule(p, local, `"v`+version+`"`)
}

// when reads a time; what is counted from now counts from when it was said.
func (s *speech) when(text string, p *post) (string, bool) {
	now := s.Update.At
	if now.IsZero() {
		now = s.Now
	}
	return parseWhen(text, now, p.zone())
}

// zone is the customer's time zone.
func (p *post) zone() *time.Location {
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// timeGiven takes what the person says for the time at which the post goes out.
func (s *speech) timeGiven(text string) (Answer, error) {
	s.post = s.State.PostID
	p, err := s.read(s.State.PostID)
	if err != nil {
		return Answer{}, err
	}
	if strings.EqualFold(text, "now") || strings.EqualFold(text, "jetzt") {
		return s.doPressed(verbPublish, p.ID, "", s.State.Version)
	}
	local, ok := s.when(text, p)
	if !ok {
		return Answer{Messages: []chat.Message{{Text: "I do not understand that time. Write for example “tomorrow 9:00” or “2026-12-24 18:00”, " + s.orCancel()}}, State: s.State}, nil
	}
	return s.schedule(p, local, s.State.Version)
}

// schedule puts a post on its way as the person has seen it. A time that cannot be is asked for again.
func (s *speech) schedule(p *post, local, seen string) (Answer, error) {
	answer, err := s.scheduleAt(p, local, seen)
	var refused *inprocess.Problem
	if !errors.As(err, &refused) || refused.Status != http.StatusUnprocessableEntity || len(refused.Errors) != 1 || refused.Errors[0].Location != "body.local_time" {
		return answer, err
	}
	zone := p.zone()
	text := "That is more than five years ahead."
	if at, err := time.ParseInLocation("2006-01-02T15:04", local, zone); err != nil || !at.After(s.Now) {
		text = "That time is over. In " + p.TimeZone + " it is " + s.Now.In(zone).Format(spokenLayout) + "."
	}
	return Answer{
		Messages: []chat.Message{{Text: text + " When shall it go out? Write for example “tomorrow 9:00” or “2026-12-24 18:00”, " + s.orCancel()}},
		State:    &State{Awaiting: awaitsTime, PostID: p.ID, Version: seen, Until: s.Now.Add(stateLasts)},
	}, nil
}

// scheduleAt schedules a post. What must be approved first is submitted with its time.
func (s *speech) scheduleAt(p *post, local, seen string) (Answer, error) {
	may, err := s.rules()
	if err != nil {
		return Answer{}, err
	}
	path, body := []string{"posts", p.ID.String()}, map[string]any{"local_time": local}
	if may.approvalRequired && p.ApprovedAt == nil {
		submitted, err := s.submit(path, p.ID, seen, body)
		if err != nil {
			return Answer{}, err
		}
		if submitted != "" {
			return s.show(p.ID, "It goes out then, once it is approved.")
		}
	}
	if _, err := s.call(http.MethodPost, append(path, "schedule"), seen, body, nil); err != nil {
		return Answer{}, err
	}
	return s.show(p.ID, "It is scheduled. I tell you when it is out.")
}

// status lists what became of the newest posts of the space.
func (s *speech) status() (Answer, error) {
	var list struct {
		Items []post `json:"items"`
	}
	if err := s.get([]string{"posts"}, map[string][]string{"limit": {"5"}}, &list); err != nil {
		return Answer{}, err
	}
	if len(list.Items) == 0 {
		return say("There are no posts of this chat yet. " + s.hint()), nil
	}
	var text strings.Builder
	var rows [][]chat.Button
	for i := range list.Items {
		p := &list.Items[i]
		fmt.Fprintf(&text, "%d. %s", i+1, heading(p, s.Now))
		if p.Title != "" {
			text.WriteString(": " + p.Title)
		}
		said := texts(p)
		for _, one := range said {
			text.WriteString("\n")
			if len(said) > 1 {
				text.WriteString(one.on + ": ")
			}
			text.WriteString(beginning(one.text, 120/len(said)))
		}
		text.WriteString("\n\n")
		rows = append(rows, []chat.Button{button(fmt.Sprintf("Show %d", i+1), verbShow, p)})
	}
	return Answer{Messages: []chat.Message{{Text: strings.TrimSpace(text.String()), Buttons: rows}}}, nil
}

// beginning is the beginning of a text, in one line.
func beginning(text string, limit int) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) <= limit {
		return string(runes)
	}
	return string(runes[:limit-1]) + "…"
}
