export default function Spaces() {
  return null;
}
