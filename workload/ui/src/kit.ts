// The components of Canonical's kit that this UI uses, imported from its ES modules so that the rest is not bundled.
export { default as Button } from "@canonical/react-components/dist/esm/components/Button";
export { default as ActionButton } from "@canonical/react-components/dist/esm/components/ActionButton";
export { default as Icon } from "@canonical/react-components/dist/esm/components/Icon";
export { default as Modal } from "@canonical/react-components/dist/esm/components/Modal";
export { default as Notification } from "@canonical/react-components/dist/esm/components/Notifications/Notification";
export { default as Select } from "@canonical/react-components/dist/esm/components/Select";
export { default as SkipLink } from "@canonical/react-components/dist/esm/components/SkipLink";
export { default as Textarea } from "@canonical/react-components/dist/esm/components/Textarea";
