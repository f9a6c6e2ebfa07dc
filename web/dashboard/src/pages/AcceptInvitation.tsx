export default function AcceptInvitation() {
  return null;
}
