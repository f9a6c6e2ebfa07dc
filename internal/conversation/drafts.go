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

// write has a post drafted for every connected platform, or those that were named.
func (s *speech) write(about string, only []platform.Name) (Answer, error) {
	var known struct {
		Integrations []struct {
			Platform string `json:"platform"`
			State    string `json:"state"`
		} `json:"integrations"`
	}
	if _, err := s.call(http.MethodGet, []string{"context"}, "", nil, &known); err != nil {
		return Answer{}, err
	}
	platforms := []string{}
	for _, account := range known.Integrations {
		if account.State == "active" && !slices.Contains(platforms, account.Platform) {
			platforms = append(platforms, account.Platform)
		}
	}
	if len(platforms) == 0 {
		return say("There is nothing to publish on: no account is connected. Connect one in the dashboard, then ask me again."), nil
	}
	if len(only) > 0 {
		var missing, there []string
		for _, name := range only {
			if slices.Contains(platforms, string(name)) {
				there = append(there, string(name))
			} else {
				missing = append(missing, name.Title())
			}
		}
		if len(missing) > 0 {
			return say("No account is connected for " + strings.Join(missing, ", ") + ". Connect one in the dashboard, or ask me for a post without it."), nil
		}
		platforms = there
	}
	if s.Say != nil {
		s.Say(s.ctx, chat.Message{Text: "I am writing …"})
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
	if _, err := s.call(http.MethodPost, []string{"posts", "generate"}, "", map[string]any{"prompt": about, "platforms": platforms}, &drafted); err != nil {
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
	may, err := s.rules()
	if err != nil {
		return Answer{}, err
	}
	return Answer{Messages: []chat.Message{shown(p, before, may)}}, nil
}

// rules are what the conversation knows of who may do what, so as to offer nothing that would be refused. The API decides.
type rules struct {
	// approvalRequired: somebody must approve what goes out.
	approvalRequired bool
	// writes and publishes: the person may change posts, and may put them on their way.
	writes, publishes bool
	// approves: they may approve what waits for it; approvesOwn: also what they have just submitted.
	approves, approvesOwn bool
}

// rules reads them. In a group others may read along who may approve.
func (s *speech) rules() (rules, error) {
	var customer struct {
		ApprovalRequired bool     `json:"approval_required"`
		SelfApproval     bool     `json:"self_approval"`
		Permissions      []string `json:"permissions"`
		MayApprove       bool     `json:"may_approve"`
	}
	_, err := s.call(http.MethodGet, nil, "", nil, &customer)
	return rules{
		approvalRequired: customer.ApprovalRequired,
		writes:           slices.Contains(customer.Permissions, "posts:write"), publishes: slices.Contains(customer.Permissions, "posts:publish"),
		approves: customer.MayApprove || s.Update.Chat.Kind == chat.Group, approvesOwn: customer.MayApprove && customer.SelfApproval,
	}, err
}

// shown is a post as a message.
func shown(p *post, before string, may rules) chat.Message {
	var text strings.Builder
	if before != "" {
		text.WriteString(before + "\n\n")
	}
	text.WriteString(heading(p))
	same := true
	for _, pp := range p.PlatformPosts {
		same = same && pp.Text == p.PlatformPosts[0].Text
	}
	switch {
	case len(p.PlatformPosts) == 0:
		text.WriteString("\n\n" + p.Text + "\n\n(It names no platform yet.)")
	case same:
		names := make([]string, 0, len(p.PlatformPosts))
		for _, pp := range p.PlatformPosts {
			names = append(names, platform.Name(pp.Platform).Title())
		}
		text.WriteString("\n\n" + strings.Join(names, ", ") + ":\n" + p.PlatformPosts[0].Text)
	default:
		for _, pp := range p.PlatformPosts {
			text.WriteString("\n\n" + platform.Name(pp.Platform).Title() + ":\n" + pp.Text)
		}
	}
	return chat.Message{Text: text.String(), Buttons: choices(p, may)}
}

// heading says what it is and how it stands.
func heading(p *post) string {
	text := strings.ToUpper(p.State[:1]) + strings.ReplaceAll(p.State[1:], "_", " ")
	if p.ScheduledLocal != nil && (p.State == "scheduled" || p.State == "pending_approval" || p.State == "approved") {
		text += ", for " + spokenTime(*p.ScheduledLocal)
	}
	if p.Title != "" {
		text += ": " + p.Title
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
func choices(p *post, may rules) [][]chat.Button {
	if len(p.PlatformPosts) == 0 {
		return nil
	}
	var first, second []chat.Button
	if approved := p.ApprovedAt != nil; may.approvalRequired && !approved && p.State != "scheduled" {
		switch {
		case p.State == "pending_approval" && may.approves, may.approvesOwn:
			first = append(first, button("Approve", verbApprove, p))
		case p.State != "pending_approval" && may.writes:
			first = append(first, button("Submit for approval", verbSubmit, p))
		}
	} else if may.publishes {
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
		if may.publishes && p.State != "cancelled" {
			second = append(second, button("Discard", verbDiscard, p))
		}
	case "approved", "scheduled":
		if may.writes && may.publishes {
			first = append(first, edit)
		}
		again := map[string]string{"approved": "Schedule", "scheduled": "Reschedule"}[p.State]
		if may.publishes {
			first = append(first, button(again, verbSchedule, p))
			second = append(second, button("Take back", verbTakeBack, p))
		}
	case "failed", "partially_published":
		first = nil
		if may.publishes {
			first = append(first, button("Try again", verbRetry, p))
		}
		first = append(first, button("Show", verbShow, p))
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
		return s.show(id, "It waits for approval now. Somebody who may approve it has to, here or in the dashboard.")
	case verbApprove:
		return s.approve(path, id, seen)
	case verbPublish:
		if _, err := s.call(http.MethodPost, append(path, "publish"), seen, nil, nil); err != nil {
			return Answer{}, err
		}
		return s.show(id, "On its way. I tell you when it is out.")
	case verbSlot:
		if _, err := s.call(http.MethodPost, append(path, "queue"), seen, nil, nil); err != nil {
			return Answer{}, err
		}
		return s.show(id, "It goes out in the next free slot.")
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

// approve approves what the person has seen. Whoever may not has submitted it, which is said to them.
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
		return s.show(id, "It waits for approval now. You cannot approve it in this chat: whoever may does that in the dashboard.")
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
	return s.show(id, "I try again, and tell you what becomes of it.")
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
	if said := frozen(p); said != "" {
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
func frozen(p *post) string {
	switch p.State {
	case "publishing", "published", "partially_published", "needs_attention":
		return "Its text cannot be changed any more: it is out, or on its way."
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
	if said := frozen(p); said != "" {
		return s.show(p.ID, said)
	}
	return Answer{
		Messages: []chat.Message{{Text: "Send me the new text for " + where + ", or /cancel. It is now:\n\n" + now}},
		State:    &State{Awaiting: awaitsText, PostID: p.ID, Platform: on, Version: p.etag, Until: s.Now.Add(stateLasts)},
	}, nil
}

// textGiven takes what the person says for the new text. Where it is refused it is asked for again, since nobody writes a text to
// have it forgotten.
func (s *speech) textGiven(text string) (Answer, error) {
	s.post = s.State.PostID
	if text == "" {
		return Answer{Messages: []chat.Message{{Text: "I read text only. Send me the new text, or /cancel."}}, State: s.State}, nil
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
		if frozen(p) != "" {
			return s.show(p.ID, frozen(p)+" I have not used what you wrote.")
		}
		again.Version = p.etag
		answer, err := s.changed()
		answer.Messages = append(answer.Messages, chat.Message{Text: "What you wrote is not used yet. Send it again to have it in place of what stands there now, or /cancel."})
		answer.State = &again
		return answer, err
	case http.StatusUnprocessableEntity, http.StatusConflict:
		if frozen(p) != "" {
			return s.show(p.ID, frozen(p)+" I have not used what you wrote.")
		}
		return Answer{Messages: []chat.Message{{Text: reason(refused) + "\n\nNothing is changed. Send me another text, or /cancel."}}, State: &again}, nil
	}
	return Answer{}, err
}

// showRewritten shows a post after its text was changed, and says what that means for what was planned.
func (s *speech) showRewritten(before *post) (Answer, error) {
	p, err := s.read(before.ID)
	if err != nil {
		return Answer{}, err
	}
	may, err := s.rules()
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
	return Answer{Messages: []chat.Message{shown(p, said, may)}}, nil
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
	p.etag = seen
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
		return Answer{Messages: []chat.Message{{Text: "I do not understand that time. Write for example “tomorrow 9:00” or “2026-12-24 18:00”, or /cancel."}}, State: s.State}, nil
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
		Messages: []chat.Message{{Text: text + " When shall it go out? Write for example “tomorrow 9:00” or “2026-12-24 18:00”, or /cancel."}},
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
	path := inprocess.Path("v1", "customers", s.Space.CustomerID.String(), "posts")
	_, err := inprocess.Do(s.ctx, s.API, inprocess.Call{Method: http.MethodGet, Path: path, Query: map[string][]string{"limit": {"5"}}}, &list)
	if err != nil {
		return Answer{}, err
	}
	if len(list.Items) == 0 {
		return say("There are no posts of this chat yet. " + s.hint()), nil
	}
	var text strings.Builder
	var rows [][]chat.Button
	for i := range list.Items {
		p := &list.Items[i]
		fmt.Fprintf(&text, "%d. %s\n%s\n\n", i+1, heading(p), beginning(p.Text, 120))
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
