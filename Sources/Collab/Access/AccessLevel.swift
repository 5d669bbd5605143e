/// How much of its members a team exposes, as a type: text, logits, or weights.
///
/// The level is a type parameter of ``Team``, ``Deliberation`` and ``Pipeline``, so that a stage which needs more
/// access than the team gives does not compile.
public protocol AccessLevel: Sendable {
    /// What a member of such a team is known to be.
    associatedtype Member: Sendable
    /// The member as a text model, which every member is.
    static func textModel(_ member: Member) -> any TextModel
}

/// A level at which next-token logits can be read.
public protocol LogitReadable: AccessLevel {
    /// The member as a logit model.
    static func logitModel(_ member: Member) -> any LogitModel
}

/// Members answer with text; nothing more is known of them.
public enum TextAccess: AccessLevel {
    /// The member itself.
    public static func textModel(_ member: any TextModel) -> any TextModel { member }
}

/// Members show their next-token logits.
public enum LogitAccess: LogitReadable {
    /// The member as a text model.
    public static func textModel(_ member: any LogitModel) -> any TextModel { member }
    /// The member itself.
    public static func logitModel(_ member: any LogitModel) -> any LogitModel { member }
}

/// Members show their weights, and therefore their logits too.
public enum WeightAccess: LogitReadable {
    /// The member as a text model.
    public static func textModel(_ member: any WeightModel) -> any TextModel { member }
    /// The member as a logit model.
    public static func logitModel(_ member: any WeightModel) -> any LogitModel { member }
}
