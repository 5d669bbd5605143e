/// What tells whether two values are the same model, so that it need not be run twice.
///
/// Classes are the same if they are the same object, hashable values if they are equal, identifiable ones if they
/// have the same id. Of other values it is not known, and each counts as a model of its own.
struct ModelIdentity: Hashable, @unchecked Sendable {
    // Sendable: made from a Sendable model and never changed; the hashable inside is the model or its id.
    private let key: AnyHashable
    private let type: ObjectIdentifier

    init?(_ model: some Sendable) {
        type = ObjectIdentifier(Swift.type(of: model))
        if Swift.type(of: model) is AnyClass {
            key = AnyHashable(ObjectIdentifier(model as AnyObject))
        } else if let hashable = model as? any Hashable {
            key = AnyHashable(hashable)
        } else if let identifiable = model as? any Identifiable {
            key = Self.id(of: identifiable)
        } else {
            return nil
        }
    }

    private static func id(of value: some Identifiable) -> AnyHashable { AnyHashable(value.id) }
}
