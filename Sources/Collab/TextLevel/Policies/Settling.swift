/// When a text-level stage settles the question for the pipeline it stands in.
public enum Settling: String, Hashable, Sendable, Codable {
    /// If the members agreed; otherwise the vote's winner leads, and later stages go on from it.
    case onAgreement
    /// In any case, by the vote.
    case always
    /// Never: the vote's winner leads, and later stages write the answer.
    case never
}
