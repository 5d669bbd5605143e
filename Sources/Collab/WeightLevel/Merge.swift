/// Makes one model out of several by merging their weights.
///
/// With members of its own it is a checkpoint, computed while it is read:
///
/// ```swift
/// let merged = Merge(.ties(base: base, density: 0.2)) {
///     math
///     code
/// }
/// ```
///
/// As a stage it merges the pipeline's team, whose members must show their weights, into one model, which is the team
/// from there on; it is made at the first request and kept:
///
/// ```swift
/// Pipeline {
///     Team { base; math; code }
///     Merge(.taskArithmetic(weights: [0.6, 0.4]))
/// }
/// ```
public struct Merge<Members: Participants>: Sendable {
    /// The rule.
    public let method: any MergeMethod
    private let merged: MergedCheckpoint?
    private let models: MergedModels

    /// Merges the team of the pipeline.
    ///
    /// A method that needs a base takes the first member for it unless it has one of its own.
    public init(_ method: some MergeMethod) where Members == CurrentTeam {
        self.method = method
        merged = nil
        models = MergedModels()
    }

    /// Merges checkpoints.
    public init(
        _ method: some MergeMethod,
        name: String? = nil,
        @CheckpointBuilder members: () -> [any Checkpoint]
    ) where Members == CheckpointMembers {
        self.method = method
        merged = MergedCheckpoint(name, method, members: members())
        models = MergedModels()
    }
}

/// Checkpoints that a merge has as members of its own.
public enum CheckpointMembers: Participants {}

/// Collects checkpoints; of a model, its weights.
@resultBuilder
public enum CheckpointBuilder {
    /// A checkpoint.
    public static func buildExpression(_ checkpoint: any Checkpoint) -> [any Checkpoint] { [checkpoint] }
    /// Several checkpoints.
    public static func buildExpression(_ checkpoints: [any Checkpoint]) -> [any Checkpoint] { checkpoints }
    /// The weights of a model.
    public static func buildExpression(_ model: any WeightModel) -> [any Checkpoint] { [model.checkpoint] }
    /// All members, in order.
    public static func buildBlock(_ parts: [any Checkpoint]...) -> [any Checkpoint] { parts.flatMap { $0 } }
    /// Members that are there only under a condition.
    public static func buildOptional(_ part: [any Checkpoint]?) -> [any Checkpoint] { part ?? [] }
    /// One of two alternatives.
    public static func buildEither(first: [any Checkpoint]) -> [any Checkpoint] { first }
    /// One of two alternatives.
    public static func buildEither(second: [any Checkpoint]) -> [any Checkpoint] { second }
    /// Members from a loop.
    public static func buildArray(_ parts: [[any Checkpoint]]) -> [any Checkpoint] { parts.flatMap { $0 } }
}

extension Merge: Checkpoint where Members == CheckpointMembers {
    private var checkpoint: MergedCheckpoint { merged ?? MergedCheckpoint(nil, method, members: []) }

    /// The method's and the members' names, or the name that was given.
    public var name: String { checkpoint.name }
    /// The base's tensors; without a base, the first member's.
    public var tensors: [TensorDescription] { checkpoint.tensors }
    /// What the base's tensors are the weights of; without a base, the first member's.
    public var specification: any ModelSpecification { checkpoint.specification }
    /// The description of a tensor, or `nil`.
    public func description(of tensor: String) -> TensorDescription? { checkpoint.description(of: tensor) }
    /// Computes a range of a tensor's elements; see ``MergedCheckpoint/read(_:elements:into:)``.
    public func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        try checkpoint.read(tensor, elements: elements, into: buffer)
    }
    /// The stored form of a tensor that the merge leaves as it is.
    public func storage(of tensor: String) -> TensorStorage? { checkpoint.storage(of: tensor) }
    /// Checks that the members can be merged; see ``MergedCheckpoint/validate()``.
    public func validate() throws(CollabError) { try checkpoint.validate() }
}

extension Merge: WeightStage where Members == CurrentTeam {
    /// The stage's name and method.
    public var name: String { "Merge (\(method.name))" }

    /// Merging calls no model.
    public func callRange(teamSize: Int) -> ClosedRange<Int> { 0...0 }

    /// The team is the merged model from here on.
    public var replacesTeam: Bool { true }

    /// Throws what ``MergedCheckpoint/validate()`` throws for a team that the method cannot merge.
    public func validate(_ team: Team<WeightAccess>) throws(CollabError) {
        try MergedCheckpoint(nil, method, members: team.members.map(\.checkpoint)).validate()
    }

    /// Makes the team one model.
    public func advance(_ deliberation: inout Deliberation<WeightAccess>) async throws(CollabError) {
        let members = deliberation.team.members
        guard let first = members.first else {
            throw CollabError(.emptyTeam, "A merge by \(method.name) has no members; give the team models.")
        }
        let merged = MergedCheckpoint(nil, method, members: members.map(\.checkpoint))
        try merged.validate()
        let (model, isNew) = try await models.model(of: members) { () async throws(CollabError) in
            try await first.replacingWeights(with: merged)
        }
        Run.note("merged", "\(members.map(\.name).joined(separator: ", ")) by \(method.name)")
        Run.note("model", isNew ? "made now" : "made earlier")
        deliberation.team = Team(deliberation.team.name, members: [model])
    }
}
