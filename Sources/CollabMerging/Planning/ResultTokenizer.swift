import Collab
import CollabBackends

/// The tokenizer that a merge's result gets, and has where another document merges that result without writing it.
struct ResultTokenizer: Sendable {
    /// Whose files it is made of.
    let donor: any Checkpoint
    /// What its `tokenizer.json` says; `nil` if it is the donor's own.
    let file: JSONValue?
    /// Its chat template; `nil` if it is the donor's own.
    let chatTemplate: String?
}
