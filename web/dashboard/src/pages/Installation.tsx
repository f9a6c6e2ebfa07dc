export default function Installation() {
  return null;
}
