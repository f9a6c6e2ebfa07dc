export default function Space() {
  return null;
}
