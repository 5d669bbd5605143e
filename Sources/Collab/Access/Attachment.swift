/// What a message holds beside its text.
///
/// A backend that cannot take an attachment refuses the request before anything is sent.
public enum Attachment: Hashable, Sendable, Codable {
    /// An image that the server fetches itself.
    case imageAddress(String)
    /// An image, with its media type, such as `image/png`.
    case image([UInt8], mediaType: String)
    /// A document, with its media type, such as `application/pdf`, and its name.
    case file([UInt8], mediaType: String, name: String)

    /// What to call it in errors.
    public var kind: String {
        switch self {
        case .imageAddress, .image: "images"
        case .file: "files"
        }
    }
}
