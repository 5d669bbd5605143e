import ArgumentParser

/// Merges models by a configuration in mergekit's YAML, and measures what a merge will do and has done.
@main
struct MergeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Merges models as a configuration in mergekit's YAML says.",
        discussion: """
            `merge CONFIGURATION OUTPUT` writes the merge. Paths in CONFIGURATION are relative to the current folder.
            """,
        subcommands: [
            WriteCommand.self, QuantiseCommand.self, MeasureCommand.self, MixCommand.self,
            InterferenceCommand.self, CheckCommand.self, ContributionsCommand.self, ComposeCommand.self,
            ExtractCommand.self,
        ],
        defaultSubcommand: WriteCommand.self
    )
}
