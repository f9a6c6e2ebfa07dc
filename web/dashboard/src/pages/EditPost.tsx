export default function EditPost() {
  return null;
}
