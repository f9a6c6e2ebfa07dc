export default function NewPost() {
  return null;
}
