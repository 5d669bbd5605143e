/// A model whose random choices are drawn under another name than its own.
protocol SeedNamed {
    /// The name that the model would have if nothing guessed.
    var seedName: String { get }
}

/// The name under which a model's random choices are drawn.
func seedName(of model: some TextModel) -> String {
    (model as? any SeedNamed)?.seedName ?? model.name
}

extension SpeculativeModel: SeedNamed {
    var seedName: String { Collab.seedName(of: base) }
}

extension AlternatingModel: SeedNamed {
    var seedName: String { base.seedName }
}

extension FusedModel: SeedNamed {}

extension SwitchingModel: SeedNamed {}

extension TokenCascade: SeedNamed {}

extension LogitFormula: SeedNamed {
    var seedName: String { fused.seedName }
}

extension FuseLogits: SeedNamed where Members == Team<LogitAccess> {
    var seedName: String { model.seedName }
}

extension FuseBytes: SeedNamed where Members == Team<LogitAccess> {
    var seedName: String { fused(members.members).seedName }
}

extension ByteFusion: SeedNamed {}

extension ByteModel: SeedNamed {
    var seedName: String { Collab.seedName(of: base) }
}

extension UnionModel: SeedNamed {
    var seedName: String { Collab.seedName(of: base) }
}

extension FuseUnion: SeedNamed {
    var seedName: String {
        "\(fusion.name) of \(members.map { Collab.seedName(of: $0) }.joined(separator: ", "))"
    }
}

extension TopsOfLogits: SeedNamed {
    var seedName: String { Collab.seedName(of: base) }
}

extension PartialFusion: SeedNamed {
    var seedName: String {
        "\(fusion.name) of \(members.map { Collab.seedName(of: $0) }.joined(separator: ", "))"
    }
}

extension RoleModel: SeedNamed {
    var seedName: String { name == base.name ? Collab.seedName(of: base) : name }
}

extension ProcessedModel: SeedNamed {
    var seedName: String { "\(Collab.seedName(of: base)) with \(processor.name)" }
}

extension ConstrainedModel: SeedNamed {
    var seedName: String { processed.seedName }
}

extension ClassifiedModel: SeedNamed {
    var seedName: String { "\(Collab.seedName(of: base)) steered by \(classifier.name)" }
}

extension AdaptedModel: SeedNamed {
    var seedName: String { name == base.name ? Collab.seedName(of: base) : name }
}
